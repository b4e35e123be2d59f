"""Drives Debian's Chromium, headless, and keeps screenshots.

fonts.conf limits it to the fonts of a plain Linux, whatever fonts are installed.
"""
import os
import pathlib

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCREENSHOTS = pathlib.Path(os.environ.get("SCREENSHOTS", ROOT / ".build/screenshots"))
FONTS = pathlib.Path(__file__).with_name("fonts.conf")
EXECUTABLE = os.environ.get("CHROMIUM", "/usr/bin/chromium")

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 320, "height": 640}
WALL = {"width": 1920, "height": 1080}

# Every element that the keyboard can reach, and its size.
TARGETS = """() => [...document.querySelectorAll("a[href], button")]
    .filter((element) => element.checkVisibility() && !element.classList.contains("skip"))
    .map((element) => {
        const box = element.getBoundingClientRect();
        return { text: element.textContent, width: box.width, height: box.height };
    })"""

# Elements that extend beyond the window, their card or their own box. Content that a box cuts is
# hidden from readers too; only the rolling digits are hidden on purpose.
OVERFLOWING = """() => {
    const found = [];
    const name = (element) => element.tagName.toLowerCase()
        + (element.id ? "#" + element.id : "") + (element.classList[0] ? "."
        + element.classList[0] : "");
    for (const element of document.body.querySelectorAll("*")) {
        if (!element.checkVisibility() || element.closest(".spoken, .skip, svg, .leaving, thead")) {
            continue;
        }
        const box = element.getBoundingClientRect();
        const frame = element.closest(".card, .hero, .banner, main")?.getBoundingClientRect();
        const right = Math.min(document.documentElement.clientWidth, frame?.right ?? Infinity);
        const left = Math.max(0, frame?.left ?? 0);
        if (box.width > 0 && (box.right > right + 1 || box.left < left - 1)) {
            found.push(`${name(element)} from ${box.left} to ${box.right}, `
                + `not ${left} to ${right}`);
        }
        if (getComputedStyle(element).display !== "inline" && !element.closest(".cells")
            && element.scrollWidth > element.clientWidth + 1) {
            found.push(`${name(element)} is ${element.clientWidth} for ${element.scrollWidth}`);
        }
    }
    const page = document.scrollingElement;
    if (page.scrollWidth > page.clientWidth) found.push(`the page: ${page.scrollWidth}`);
    return found;
}"""


class Chromium:
    """One browser; each page has its own context and records its errors."""

    def __enter__(self):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.playwright = sync_playwright().start()
        # Chromium's sandbox does not work for root or in most containers.
        self.browser = self.playwright.chromium.launch(
            executable_path=EXECUTABLE, args=["--no-sandbox", "--disable-dev-shm-usage"],
            env={**os.environ, "FONTCONFIG_FILE": str(FONTS)})
        return self

    def __exit__(self, *_):
        self.browser.close()
        self.playwright.stop()

    def open(self, address, viewport=None, **options):
        """A page at `address`. Its `problems` are the errors in its console."""
        context = self.browser.new_context(viewport=viewport or DESKTOP, **options)
        page = context.new_page()
        page.problems = []
        page.on("console", lambda message: message.type == "error"
                and page.problems.append(message.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.goto(address, wait_until="load", timeout=20_000)
        return page


def keep(page, name, whole=True):
    """Saves a screenshot in the folder that CI keeps."""
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)


def violations(page):
    """The findings of axe: each rule and the first elements that violate it."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {[node['target'] for node in rule['nodes'][:3]]}" for rule in found]


def overflowing(page):
    """Elements that are too wide; a page must have none."""
    return page.evaluate(OVERFLOWING)


def fonts(page, selector):
    """The font families that actually rendered the element's text."""
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    node = session.send("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
    used = session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    return {font["familyName"] for font in used}


def small_targets(page, least=24):
    """Links and buttons smaller than WCAG 2.2 requires, in pixels."""
    return [target for target in page.evaluate(TARGETS)
            if target["height"] < least or target["width"] < least]
