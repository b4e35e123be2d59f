"""Tests the dashboard in a browser, with real headquarters, regions, brokers and Redis.

Transfers flow all the time. The tests kill processes and restart them. At the end, the judge must
find every bucket exact.

The environment variable BROKERS="REGION=HOST:PORT …" sets a region's Kafka instead of an embedded
broker.
"""
import http.server
import json
import os
import pathlib
import re
import signal
import sys
import threading
import time
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "System"))

from chromium import (PHONE, WALL, Chromium, keep, overflowing, small_targets,  # noqa: E402
                      violations)
from deployment import Deployment, named_brokers, wait_for  # noqa: E402

REGIONS = ["eu-west", "us-east", "ap-south"]
BANNER_SECONDS = 15
RETURN_SECONDS = 45
LOST_SECONDS = 40

# Records the page's total at every change, and how many digits rolled.
WATCH = """() => {
    window.seen = [];
    window.rolled = 0;
    const total = document.getElementById("total");
    const look = () => window.seen.push([total.dataset.amount, total.dataset.asOf]);
    look();
    new MutationObserver((changes) => {
        if (changes.some((change) => change.type === "attributes")) look();
        for (const change of changes) {
            for (const node of change.addedNodes) {
                if (node.className === "leaving") window.rolled += 1;
            }
        }
    }).observe(total, { attributes: true, attributeFilter: ["data-amount", "data-as-of"],
        subtree: true, childList: true });
}"""
SHOWN = "Object.values({ ...document.getElementById('total')?.dataset })"
RUNNING = "document.getAnimations().filter((motion) => motion.playState === 'running').length"
STATE = "document.getElementById('connection').dataset.state"
WORDS = "document.getElementById('connection').textContent"
# The states of the regions, in the table or in the wall view.
TILES = """[...document.querySelectorAll('#regions .state, #strip .state')]
    .map((tile) => tile.textContent.trim())"""


def grouped(amount):
    whole, point, fraction = amount.partition(".")
    return f"{int(whole):,}{point}{fraction}"


def produce(deployment):
    """Produces a day of history. Returns the producers of live transfers."""
    history = [deployment.produce(
        f"history-{region}", region, 60_000, "--duration", "23h", "--start", "now-23h",
        "--seed", index + 10, "--id-prefix", "day_") for index, region in enumerate(REGIONS)]
    for producer in history:
        assert producer.child.wait(60) == 0, producer.tail()
    return [deployment.produce(
        f"live-{region}", region, 1_000_000, "--rate", 1, "--seed", index + 20,
        "--id-prefix", "live_") for index, region in enumerate(REGIONS)]


def another_site(test, html):
    """The address of a page of another origin, served until the test ends."""
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    test.addCleanup(server.server_close)
    test.addCleanup(server.shutdown)
    return f"http://127.0.0.1:{server.server_address[1]}/"


class LiveTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.deployment = cls.enterClassContext(Deployment(
            REGIONS, named_brokers(os.environ.get("BROKERS", "").split(), REGIONS)))
        cls.deployment.processes["hq"].start()
        for region in REGIONS:
            cls.deployment.node(region, "a").start()
        cls.live = produce(cls.deployment)
        cls.site = f"http://127.0.0.1:{cls.deployment.public_port}"
        wait_for("HQ is up to date", lambda: (
            (body := cls.deployment.total()) and not body["is_degraded"]), 90)
        cls.chromium = cls.enterClassContext(Chromium())

    def open(self, path="/", viewport=None, **options):
        page = self.chromium.open(self.site + path, viewport, **options)
        self.addCleanup(page.context.close)
        return page

    def text(self, path):
        with urllib.request.urlopen(self.site + path, timeout=5) as response:
            return response.read().decode()

    def shown(self, page):
        """The page's amount and its time, digit for digit."""
        return tuple(page.evaluate(SHOWN))

    def wait(self, page, what, condition, seconds):
        """Waits until the condition, a script or a function, is true. Polls from outside, because
        the page's policy forbids the driver's own waiting inside the page."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = condition() if callable(condition) else page.evaluate(condition)
            if answer:
                return answer
            page.wait_for_timeout(50)
        keep(page, "not-in-time")
        self.fail(f"not within {seconds} s: {what}; shown {page.evaluate(SHOWN)}, "
                  f"the API says {self.deployment.total()}")

    def assert_equals_api(self, page, base):
        """Checks that the page shows the API's total of the same second, digit for digit."""
        def answer():
            body = self.deployment.total(base)
            return body and (body["total_amount"], body["data_as_of"])
        answers = set()
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            answers.add(answer())
            shown = self.shown(page)
            if shown in answers:
                self.assertEqual(page.evaluate(
                    "document.querySelector('#amount .spoken').textContent").replace("\u2212", "-"),
                    grouped(self.shown(page)[0]))
                return
            page.wait_for_timeout(100)
        self.fail(f"{shown} is none of the API's {sorted(answers, key=str)[-3:]}")

    def test_1_the_total_changes_live_and_equals_the_api(self):
        page = self.open("/?base_currency=USD")
        page.evaluate(WATCH)
        self.wait(page, "live", f"{STATE} === 'live'", 10)
        self.wait(page, "changes", "new Set(window.seen.map(([amount]) => amount)).size > 4", 20)
        self.assertGreater(page.evaluate("window.rolled"), 0)
        self.assert_equals_api(page, "USD")
        times = [as_of for _, as_of in page.evaluate("window.seen")]
        self.assertEqual(times, sorted(times))
        self.assertEqual(page.problems, [])
        for name, options in {"light": {}, "dark": {"color_scheme": "dark"}}.items():
            keep(self.open("/", **options), f"live-{name}")
        keep(self.open("/?view=tv", WALL, color_scheme="dark"), "live-wall", whole=False)

    def test_2_without_javascript_everything_is_there(self):
        def same_second():
            html = self.text("/?base_currency=USD")
            body = json.loads(self.text("/v1/metrics/money-moved/24h/breakdown?base_currency=USD"),
                              parse_float=str, parse_int=str)
            return (html, body) if f'data-as-of="{body["data_as_of"]}"' in html else None
        html, body = wait_for("page and breakdown of one second", same_second, 15)
        page = self.open("/", java_script_enabled=False)
        page.set_content(html, wait_until="commit")
        text = page.locator("body").inner_text()
        self.assertIn(grouped(body["total_amount"]), text.replace("\n", ""))
        self.assertGreater(len(body["currencies"]), 20)
        for figure in body["currencies"]:
            self.assertIn(figure["currency"], text)
            if figure["converted"] is not None:
                self.assertIn(grouped(figure["converted"]), text)
        for region in body["regions"]:
            self.assertIn(region["id"], text)
            self.assertIn(grouped(region["converted"]), text)
        self.assertIn(body["rates"]["source"], text)
        self.assertIn(body["rates"]["date"], text)
        self.assertGreater(len(page.locator("path.line").get_attribute("d")), 5_000)
        whole = self.open("/", java_script_enabled=False)
        self.assertFalse(whole.locator("#pause").is_visible())
        keep(whole, "live-without-javascript")

    def test_3_the_base_is_switched_by_a_link(self):
        page = self.open("/")
        for base, digits in [("EUR", r"\d+\.\d\d"), ("JPY", r"\d+"), ("KWD", r"\d+\.\d{3}")]:
            page.get_by_role("link", name=base, exact=True).click()
            page.wait_for_url(re.compile(f"base_currency={base}"))
            self.assertEqual(page.locator("#total .code").inner_text(), base)
            self.assertEqual(
                page.locator(".bases a[aria-current]").inner_text(), base)
            self.wait(page, "live", f"{STATE} === 'live'", 10)
            self.assertRegex(self.shown(page)[0], f"^{digits}$")
            self.assert_equals_api(page, base)
        self.assertEqual(page.problems, [])

    def test_4_pause_stops_all_motion(self):
        page = self.open("/")
        page.evaluate(WATCH)
        self.wait(page, "live", f"{STATE} === 'live'", 10)
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Pause").press("Enter")
        before = self.shown(page)
        rolled = page.evaluate("window.rolled")
        text = page.locator("main").inner_text()
        amount = self.deployment.total()["total_amount"]
        wait_for("the API moves on", lambda: self.deployment.total()["total_amount"] != amount, 10)
        for _ in range(15):
            page.wait_for_timeout(200)
            self.assertEqual(page.evaluate(RUNNING), 0)
        self.assertEqual(self.shown(page), before)
        self.assertEqual(page.locator("main").inner_text(), text)
        self.assertEqual(page.evaluate("window.rolled"), rolled)
        page.get_by_role("button", name="Resume").click()
        self.wait(page, "continues", f"document.getElementById('total').dataset.amount !== "
                  f"'{before[0]}' && {STATE} === 'live'", 10)

    def test_5_who_wants_no_motion_sees_none(self):
        page = self.open("/", reduced_motion="reduce")
        page.evaluate(WATCH)
        self.wait(page, "changes", "new Set(window.seen.map(([amount]) => amount)).size > 3", 20)
        self.assertEqual(page.evaluate("window.rolled"), 0)
        self.assertEqual(page.evaluate(RUNNING), 0)

    def test_6_axe_finds_nothing_on_the_live_page(self):
        for look, viewport, scheme in [
                ("light", None, "light"), ("dark", None, "dark"), ("narrow", PHONE, "light")]:
            for path in ["/", "/methodology", "/embed"]:
                with self.subTest(path=path, look=look):
                    page = self.open(path, viewport, color_scheme=scheme)
                    if path != "/methodology":
                        self.wait(page, "live", f"{STATE} === 'live'", 20)
                    self.assertEqual(violations(page), [])
                    self.assertEqual(small_targets(page), [])
                    self.assertEqual(page.problems, [])
                    if path == "/":
                        keep(page, f"axe-{look}")

    def test_7_the_embed_lives_in_another_sites_frame(self):
        page = self.open("/embed?base_currency=EUR", {"width": 480, "height": 200})
        keep(page, "live-embed")
        outside = self.chromium.open(another_site(self, "".join(
            f'<iframe src="{self.site}{path}" width="480" height="200"></iframe>'
            for path in ["/embed?base_currency=EUR", "/"])))
        self.addCleanup(outside.context.close)
        frame = self.wait(outside, "the frame is there", lambda: next(
            (frame for frame in outside.frames if "/embed" in frame.url), None), 10)
        amount = "document.getElementById('total')?.dataset.amount"
        before = self.wait(outside, "number in the frame", lambda: frame.evaluate(amount), 10)
        self.wait(outside, "another number", lambda: frame.evaluate(amount) != before, 25)
        refused = [frame for frame in outside.frames if frame.url.startswith("chrome-error")]
        self.assertEqual(len(refused), 1, "the dashboard itself cannot be framed")
        badge = self.text("/badge.svg?base_currency=EUR")
        self.assertRegex(badge, r"[\d,]+\.\d\d EUR")

    def test_8_a_killed_region_is_named_until_it_returns(self):
        page = self.open("/")
        self.wait(page, "live", f"{STATE} === 'live'", 10)
        banner = page.locator("#banner")
        self.assertEqual(banner.inner_text(), "")
        node = self.deployment.node("eu-west", "a")
        killed = time.monotonic()
        node.kill()
        try:
            self.wait(page, "banner", "document.getElementById('banner').textContent"
                      ".includes('eu-west')", BANNER_SECONDS)
            print(f"  banner {time.monotonic() - killed:.1f} s after the kill", flush=True)
            self.assertRegex(banner.inner_text(), r"(?s)not current.*eu-west.*data through .* UTC "
                             r"\(\d+ s ago\).*about \d+% of the total")
            self.assertEqual(banner.get_attribute("role"), "status")
            self.wait(page, "not live", f"{STATE} === 'degraded'", BANNER_SECONDS)
            self.assertNotIn("Live", page.locator("body").inner_text())
            # Silent first, then also behind, in one sentence.
            self.wait(page, "behind too", "document.getElementById('banner').textContent"
                      ".includes('has gone silent and is behind')", 2 * BANNER_SECONDS + 30)
            self.assertEqual(page.locator("#banner li").count(), 1)
            self.assertEqual(overflowing(page), [])
            self.assertEqual(violations(page), [])
            keep(page, "live-degraded")
        finally:
            node.start()
        returned = time.monotonic()
        self.wait(page, "no banner", "document.getElementById('banner').textContent === ''",
                  RETURN_SECONDS)
        self.wait(page, "live again", f"{STATE} === 'live'", 10)
        print(f"  gone {time.monotonic() - returned:.1f} s after the return", flush=True)

    def test_9_the_page_connects_again_by_itself(self):
        page = self.open("/")
        self.wait(page, "live", f"{STATE} === 'live'", 10)
        page.evaluate("window.sameDocument = true")
        headquarters = self.deployment.processes["hq"]
        headquarters.kill()
        try:
            self.wait(page, "stale", f"{STATE} === 'stale'", 10)
            self.assertEqual(page.evaluate(TILES), ["unknown"] * len(REGIONS))
            self.assertNotIn("Live", page.locator("body").inner_text())
            frozen = self.shown(page)
            self.wait(page, "age", "parseInt(document.getElementById('age').textContent) >= 4", 15)
            self.assertEqual(self.shown(page), frozen)
            keep(page, "live-stale")
        finally:
            headquarters.start()
        self.wait(page, "live again", f"{STATE} === 'live'", 30)
        self.wait(page, "moves", f"document.getElementById('total').dataset.asOf > '{frozen[1]}'",
                  30)
        self.wait(page, "live tiles", f"{TILES}.join() === 'live,live,live'", 15)
        self.assertTrue(page.evaluate("window.sameDocument"))
        self.assert_equals_api(page, "USD")

    def test_9_a_silent_connection_is_not_called_live(self):
        """Simulates a broken network: connections stay open, but nothing arrives."""
        pages = [self.open("/"), self.open("/?view=tv", WALL), self.open("/embed")]
        for page in pages:
            self.wait(page, "live", f"{STATE} === 'live'", 20)
        headquarters = self.deployment.processes["hq"]
        headquarters.signal(signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            for page in pages:
                self.wait(page, "stale", f"{STATE} === 'stale'", LOST_SECONDS)
            print(f"  stale {time.monotonic() - stopped:.1f} s after the silence", flush=True)
            for page in pages[:2]:
                self.assertEqual(page.evaluate(TILES), ["unknown"] * len(REGIONS))
            for page in pages:
                self.assertIn("Stale", page.evaluate(WORDS))
                self.assertNotIn("Live", page.locator("body").inner_text())
        finally:
            headquarters.signal(signal.SIGCONT)
        for page in pages:
            self.wait(page, "live again", f"{STATE} === 'live'", 60)

    def test_then_the_judge_finds_every_bucket_exact(self):
        """The last test: it ends production."""
        for producer in self.live:
            self.assertTrue(producer.is_running, producer.tail())
            producer.kill()
        verdict = self.deployment.judge("--wait", 120, "--ids", "live_").verdict()
        self.assertEqual(verdict["verdict"], "exact", verdict)
        self.assertGreater(verdict["compared"]["buckets"], 0)
        for region in REGIONS:
            self.assertGreater(verdict["ids"][region]["live_"], 0, region)


if __name__ == "__main__":
    unittest.main()
