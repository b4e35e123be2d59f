// Keeps a page of Tributary live. The page is complete without this script.
//
// The number changes only from one confirmed total to the next; it is never estimated. Amounts stay
// text from the answer to the screen, because JavaScript numbers cannot hold them. The script
// regularly reloads the other parts of the page, so that only the server formats figures.
"use strict";

(() => {
    const page = document.body.dataset;
    const byId = (id) => document.getElementById(id);

    /** Milliseconds. */
    const times = {
        rollMax: 900,
        rollMin: 250,
        refresh: 20_000,
        refreshSoon: 2_000,
        poll: 10_000,
        waiting: 3_000,
        reopen: 3_000,
        request: 10_000,
        announce: 60_000,
        quiet: 8_000,
        staleAfter: 45_000,
    };

    /** Randomly between half and one and a half of `span`, so that viewers do not synchronise. */
    const jittered = (span) => span * (0.5 + Math.random());

    const wantsStillness = matchMedia("(prefers-reduced-motion: reduce)");

    // ── Text ──────────────────────────────────────────────────────────────────────────────────

    /** Formats "1234567.50" as "1,234,567.50". */
    function grouped(amount) {
        const [whole, fraction] = amount.replace("-", "").split(".");
        const digits = whole.replace(/\B(?=(\d{3})+$)/g, ",");
        return (amount.startsWith("-") ? "\u2212" : "") + digits
            + (fraction === undefined ? "" : "." + fraction);
    }

    /** The class of an amount's width in digits, as the server computes it. */
    function widthClass(text) {
        const narrow = text.replace(/[^,.]/g, "").length;
        const width = text.length - narrow + Math.floor((narrow + 1) / 2);
        return "w" + Math.min(Math.max(width, 4), 80);
    }

    function span(milliseconds) {
        const seconds = Math.floor(Math.max(milliseconds, 0) / 1000);
        if (seconds < 120) return seconds + " s";
        if (seconds < 7200) return Math.floor(seconds / 60) + " min";
        if (seconds < 172_800) {
            return Math.floor(seconds / 3600) + " h " + (Math.floor(seconds / 60) % 60) + " min";
        }
        return Math.floor(seconds / 86_400) + " days";
    }

    const day = new Intl.DateTimeFormat("en-GB", {
        day: "numeric", month: "long", year: "numeric", timeZone: "UTC",
    });

    const clock = (moment) => moment.toISOString().slice(11, 19) + " UTC";

    function readTotal(text) {
        const body = JSON.parse(text);
        const amount = /"total_amount":\s*(-?\d+(?:\.\d+)?)/.exec(text);
        if (amount === null || body.base_currency !== page.base) throw new Error("not a total");
        return {
            amount: amount[1], asOf: body.data_as_of, isDegraded: body.is_degraded === true,
        };
    }

    // ── Time ──────────────────────────────────────────────────────────────────────────────────

    /** How far the server's clock is ahead of this one. */
    let clockOffset = 0;
    let hasClock = false;

    const now = () => Date.now() + clockOffset;

    /** Takes the time from the server's answers, because viewers' clocks can be minutes off. */
    function setClock(response) {
        const stamp = Date.parse(response.headers.get("Date"));
        const cached = Number(response.headers.get("Age") ?? 0) * 1000;
        if (Number.isNaN(stamp)) return;
        const difference = stamp + cached - Date.now();
        clockOffset = Math.abs(difference) > 2000 ? difference : 0;
        hasClock = true;
    }

    function showAges() {
        for (const element of document.querySelectorAll("[data-since]")) {
            element.textContent = span(now() - Date.parse(element.dataset.since)) + " ago";
        }
    }

    // ── The number ────────────────────────────────────────────────────────────────────────────

    class Odometer {
        constructor(element) {
            const text = element.textContent;
            this.cells = document.createElement("span");
            this.cells.className = "cells";
            this.cells.setAttribute("aria-hidden", "true");
            this.spoken = document.createElement("span");
            this.spoken.className = "spoken";
            element.replaceChildren(this.cells, this.spoken);
            this.show(text, true, 0);
        }

        /** Rolls every digit that changes: up if the amount rises, otherwise down. */
        show(text, rises, milliseconds) {
            const cells = this.cells.children;
            // Counted from the right: a digit keeps its place when the number grows.
            while (cells.length < text.length) {
                this.cells.prepend(document.createElement("span"));
            }
            while (cells.length > text.length) cells[0].remove();
            const point = text.indexOf(".");
            [...text].forEach((character, index) => {
                const cell = cells[index];
                const isFraction = point >= 0 && index >= point;
                cell.className = (/\d/.test(character) ? "digit" : "separator")
                    + (isFraction ? " fraction" : "");
                if (cell.dataset.character !== character) {
                    this.set(cell, character, rises, milliseconds);
                }
            });
            this.spoken.textContent = text;
        }

        set(cell, character, rises, milliseconds) {
            const before = cell.dataset.character;
            cell.dataset.character = character;
            const glyph = document.createElement("span");
            glyph.textContent = character;
            cell.replaceChildren(glyph);
            if (milliseconds === 0 || !/\d/.test(character) || !/\d/.test(before ?? "")) return;
            const leaving = document.createElement("span");
            leaving.className = "leaving";
            leaving.textContent = before;
            cell.append(leaving);
            const from = rises ? "105%" : "-105%";
            const to = rises ? "-105%" : "105%";
            const options = { duration: milliseconds, easing: "cubic-bezier(.2, .7, .2, 1)" };
            glyph.animate([{ transform: `translateY(${from})` }, { transform: "none" }], options);
            leaving.animate(
                [{ transform: "none" }, { transform: `translateY(${to})` }], options,
            ).onfinish = () => leaving.remove();
        }

        stop() {
            for (const motion of this.cells.getAnimations({ subtree: true })) motion.finish();
            // An animation reports its end a frame later.
            for (const leaving of this.cells.querySelectorAll(".leaving")) leaving.remove();
        }
    }

    const total = byId("total");
    if (total === null) {
        setTimeout(waitForTotal, jittered(times.waiting));
        return;
    }
    const odometer = new Odometer(byId("amount"));

    /** Sets the largest font size at which the number and its currency fit in the line, by
        measuring them in the actual font. Widths are not quite proportional to the size, because
        glyphs may be whole pixels wide, so after the first guess the size only shrinks. */
    function fit() {
        const start = total.getBoundingClientRect().left;
        const line = total.clientWidth;
        for (let attempt = 0; attempt < 8 && line > 0; attempt += 1) {
            const ends = [...total.children].map((part) => part.getBoundingClientRect().right);
            const share = (Math.max(...ends) - start) / line;
            const size = parseFloat(getComputedStyle(total).fontSize);
            if (share <= 1 && (attempt > 0 || share > 0.95)) return;
            total.style.setProperty("--fit", (size / share / line * 99.5).toFixed(3) + "cqi");
        }
    }

    /** The last total that arrived; the shown one differs while paused. */
    let latest = null;
    let isPaused = false;
    let lastChange = 0;
    let lastHeard = Date.now();

    function take(text) {
        let next;
        try {
            next = readTotal(text);
        } catch {
            return;
        }
        const wasDegraded = latest?.isDegraded ?? document.body.classList.contains("degraded");
        latest = next;
        lastHeard = Date.now();
        setConnection(true);
        if (isPaused) return;
        show();
        if (next.isDegraded !== wasDegraded) refreshIn(times.refreshSoon);
    }

    function show() {
        if (latest === null) return;
        const { amount, asOf, isDegraded } = latest;
        const shown = total.dataset.amount;
        if (amount !== shown) {
            const interval = performance.now() - lastChange;
            lastChange = performance.now();
            const roll = Math.min(Math.max(interval * 0.85, times.rollMin), times.rollMax);
            const rises = BigInt(amount.replace(".", "")) > BigInt(shown.replace(".", ""));
            const text = grouped(amount);
            const isStill = wantsStillness.matches || document.hidden;
            odometer.show(text, rises, isStill ? 0 : roll);
            total.className = "total " + widthClass(text);
            total.dataset.amount = amount;
            if (text.length !== grouped(shown).length || total.scrollWidth > total.clientWidth) {
                fit();
            }
        }
        if (asOf !== total.dataset.asOf) {
            const moment = new Date(asOf);
            const element = byId("as-of");
            element.dateTime = asOf;
            element.textContent = `${day.format(moment)}, ${clock(moment)}`;
            byId("age").dataset.since = asOf;
            total.dataset.asOf = asOf;
        }
        document.body.classList.toggle("degraded", isDegraded);
    }

    // ── Where totals come from ────────────────────────────────────────────────────────────────

    let stream = null;
    let reopening = 0;

    const isQuiet = () => stream !== null && Date.now() - lastHeard > times.quiet;

    /** The browser reconnects by itself, except after an answer that is not a stream. */
    function openStream() {
        clearTimeout(reopening);
        stream?.close();
        stream = new EventSource(page.stream);
        stream.addEventListener("total", (event) => take(event.data));
        stream.onerror = () => {
            setConnection(false);
            if (stream.readyState === EventSource.CLOSED) {
                reopening = setTimeout(openStream, jittered(times.reopen));
            }
        };
    }

    function closeStream() {
        clearTimeout(reopening);
        stream?.close();
        stream = null;
    }

    /** Revalidates with the server each time: caches may serve a stale answer for half a minute,
        and a banner must not wait for that. */
    async function load(address) {
        const response = await fetch(address, {
            cache: "no-cache", signal: AbortSignal.timeout(times.request),
        });
        if (!response.ok) throw new Error(String(response.status));
        setClock(response);
        return response.text();
    }

    async function poll() {
        try {
            if (!document.hidden) take(await load(page.poll));
        } catch {
            setConnection(false);
        }
        setTimeout(poll, jittered(times.poll));
    }

    async function waitForTotal() {
        try {
            await load(location.href);
            location.reload();
        } catch {
            setTimeout(waitForTotal, jittered(times.waiting));
        }
    }

    // ── The rest of the page ──────────────────────────────────────────────────────────────────

    let refreshing = 0;
    let isAsking = false;

    function refreshIn(milliseconds) {
        clearTimeout(refreshing);
        refreshing = setTimeout(refresh, jittered(milliseconds));
    }

    async function refresh() {
        refreshIn(times.refresh);
        isAsking = false;
        if (isPaused || document.hidden) return;
        try {
            const text = await load(location.href);
            replaceParts(new DOMParser().parseFromString(text, "text/html"));
        } catch {
            // Neither the page nor the stream answers, so the open connection is dead.
            if (isQuiet()) {
                setConnection(false);
                openStream();
            }
        }
    }

    function replaceParts(fresh) {
        const answer = fresh.getElementById("total");
        if (answer === null || isPaused) return;
        if (page.view === "tv" && isAnotherRelease(fresh)) {
            location.reload();
            return;
        }
        for (const part of document.querySelectorAll("[data-part]")) {
            const next = fresh.getElementById(part.id);
            if (next === null || isInUse(part) || told(part) === told(next)) continue;
            part.className = next.className;
            part.replaceChildren(...next.childNodes);
        }
        document.title = fresh.title;
        showAges();
        if (connection.dataset.state === "stale") forgetStates();
        // The page has a newer total than the stream, so the stream is dead.
        const ahead = Date.parse(answer.dataset.asOf) - Date.parse(total.dataset.asOf);
        if (stream !== null && ahead > times.quiet) openStream();
    }

    /** The content of a part without ages, for comparison. */
    function told(part) {
        const copy = part.cloneNode(true);
        for (const age of copy.querySelectorAll("[data-since]")) age.textContent = "";
        return copy.innerHTML;
    }

    function isInUse(part) {
        const selection = document.getSelection();
        return part.contains(document.activeElement)
            || (selection !== null && !selection.isCollapsed && selection.containsNode(part, true));
    }

    const isAnotherRelease = (fresh) =>
        fresh.querySelector("script")?.getAttribute("src")
            !== document.querySelector("script")?.getAttribute("src");

    // ── Connection state ──────────────────────────────────────────────────────────────────────

    const connection = byId("connection");
    const words = {
        live: "Live, as of ",
        degraded: "Partly not current, as of ",
        stale: "Stale, reconnecting, as of ",
        paused: "Paused, as of ",
    };

    let isConnected = true;

    function setConnection(isOpen) {
        isConnected = isOpen;
        showConnection();
    }

    /** A total is live only if it is connected, recent and not degraded. Age matters because a
        cache may keep answering when headquarters is down. */
    function currentState() {
        if (isPaused) return "paused";
        if (!isConnected) return "stale";
        const { asOf, isDegraded } = latest ?? {
            asOf: total.dataset.asOf, isDegraded: document.body.classList.contains("degraded"),
        };
        if (isDegraded) return "degraded";
        const isOld = hasClock && now() - Date.parse(asOf) > times.staleAfter;
        return isOld ? "stale" : "live";
    }

    function showConnection() {
        const next = currentState();
        const before = connection.dataset.state;
        if (before === next) return;
        connection.dataset.state = next;
        connection.textContent = words[next];
        if (next === "stale") {
            forgetStates();
            announce("Connection lost. Reconnecting.");
        } else if (before === "stale") {
            if (!isPaused) announce("Reconnected.");
            refreshIn(times.refreshSoon);
        }
    }

    /** Shows the states of regions as unknown while headquarters does not answer. The next loaded
        page restores them. */
    function forgetStates() {
        for (const state of document.querySelectorAll("[data-part] .state")) {
            const sign = state.querySelector("path");
            sign.setAttribute("d", "M8 2a6 6 0 1 0 .001 0zM8 5a3 3 0 1 1-.001 0z");
            state.className = "state state-unknown";
            state.lastChild.textContent = "unknown";
        }
    }

    function announce(text) {
        const element = byId("announcement");
        if (element !== null) element.textContent = text;
    }

    /** Announces the figure to screen readers, at most once a minute. */
    function announceTotal() {
        if (latest === null || !["live", "degraded"].includes(connection.dataset.state)) return;
        announce(
            `${grouped(latest.amount)} ${page.base} as of ${clock(new Date(latest.asOf))}`
            + (latest.isDegraded ? ". Part of it is not current." : "."));
    }

    const pause = byId("pause");

    function togglePause() {
        isPaused = !isPaused;
        document.body.classList.toggle("paused", isPaused);
        pause.textContent = isPaused ? "Resume" : "Pause";
        showConnection();
        if (isPaused) {
            odometer.stop();
            return;
        }
        show();
        showAges();
        refreshIn(times.refreshSoon);
    }

    /** Once a second. */
    function look() {
        if (isPaused || document.hidden) return;
        showAges();
        // Wait for the first total: a page that was hidden for long has an old one.
        if (connection.dataset.state !== "still") showConnection();
        // A live stream is never quiet for long; reloading the page shows whether it is dead.
        if (connection.dataset.state === "live" && isQuiet() && !isAsking) {
            refreshIn(times.refreshSoon);
            isAsking = true;
        }
    }

    function start() {
        if (page.stream !== undefined) {
            openStream();
            refreshIn(times.refresh);
            document.addEventListener("visibilitychange", () => {
                if (document.hidden) {
                    closeStream();
                } else {
                    openStream();
                    refreshIn(times.refreshSoon);
                }
            });
        } else {
            poll();
        }
        if (pause !== null) {
            pause.hidden = false;
            pause.addEventListener("click", togglePause);
        }
        showAges();
        setInterval(look, 1000);
        addEventListener("resize", fit);
        fit();
        setInterval(announceTotal, times.announce);
    }

    start();
})();
