"""Debian's Chromium, headless, driven from Python; what it draws is kept as pictures."""
import os
import pathlib

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCREENSHOTS = pathlib.Path(os.environ.get("SCREENSHOTS", ROOT / ".build/screenshots"))
EXECUTABLE = os.environ.get("CHROMIUM", "/usr/bin/chromium")

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 320, "height": 640}
WALL = {"width": 1920, "height": 1080}

# Every place that the keyboard can reach, and how large it is.
TARGETS = """() => [...document.querySelectorAll("a[href], button")]
    .filter((element) => element.checkVisibility() && !element.classList.contains("skip"))
    .map((element) => {
        const box = element.getBoundingClientRect();
        return { text: element.textContent, width: box.width, height: box.height };
    })"""


class Chromium:
    """One browser; each page has a context of its own and tells what went wrong in it."""

    def __enter__(self):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.playwright = sync_playwright().start()
        # Chromium's own sandbox does not work for root, nor in most containers.
        self.browser = self.playwright.chromium.launch(
            executable_path=EXECUTABLE, args=["--no-sandbox", "--disable-dev-shm-usage"])
        return self

    def __exit__(self, *_):
        self.browser.close()
        self.playwright.stop()

    def open(self, address, viewport=None, **options):
        """A page at `address`. Its `problems` are what its console called errors."""
        context = self.browser.new_context(viewport=viewport or DESKTOP, **options)
        page = context.new_page()
        page.problems = []
        page.on("console", lambda message: message.type == "error"
                and page.problems.append(message.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.goto(address, wait_until="load", timeout=20_000)
        return page


def keep(page, name, whole=True):
    """A picture of the page, in the folder that CI keeps."""
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)


def violations(page):
    """What axe finds: rule and the first elements that break it."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {[node['target'] for node in rule['nodes'][:3]]}" for rule in found]


def small_targets(page, least=24):
    """Links and buttons smaller than WCAG 2.2 asks for, in pixels."""
    return [target for target in page.evaluate(TARGETS)
            if target["height"] < least or target["width"] < least]
