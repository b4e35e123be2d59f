"""Tests every page of made-up reports: whole, degraded, light, dark, narrow, wall view.

The unit tests write the pages into the folder GALLERY.
"""
import functools
import http.server
import os
import threading
import unittest

from chromium import (PHONE, WALL, Chromium, fonts, keep, overflowing, small_targets,
                      violations)

GALLERY = os.environ["GALLERY"]
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
          "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
PAGES = ["degraded-standard", "degraded-tv", "methodology", "waiting"]
SIZES = [(320, 640), (768, 1024), (1280, 900), (1920, 1080), (3840, 2160)]
# The share of the line that the number and its currency fill, if its size is not limited.
FILLS = """() => {
    const line = document.getElementById("total");
    const parts = [...line.children].map((part) => part.getBoundingClientRect());
    return (Math.max(...parts.map((part) => part.right)) - line.getBoundingClientRect().left)
        / line.clientWidth;
}"""
# A page learns of a changed window before the next frame.
NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
TYPE_SIZE = "parseFloat(getComputedStyle(document.getElementById('total')).fontSize)"


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves the gallery's files with the real policy and status of the pages."""

    def send_response(self, code, message=None):
        is_waiting = code == 200 and self.path.startswith("/waiting")
        super().send_response(503 if is_waiting else code, message)

    def end_headers(self):
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *_):
        pass


class PagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        handler = functools.partial(Files, directory=GALLERY)
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)
        cls.chromium = cls.enterClassContext(Chromium())

    def open(self, name, viewport=None, **options):
        # Without its script a page does not change, because this server has no stream.
        options.setdefault("java_script_enabled", False)
        port = self.server.server_address[1]
        page = self.chromium.open(f"http://127.0.0.1:{port}/{name}.html", viewport, **options)
        self.addCleanup(page.context.close)
        return page

    def test_axe_finds_nothing_in_light_dark_and_narrow(self):
        for name in PAGES:
            for look, viewport, scheme in [
                    ("light", None, "light"), ("dark", None, "dark"), ("narrow", PHONE, "light")]:
                with self.subTest(page=name, look=look):
                    page = self.open(name, viewport, color_scheme=scheme,
                                     java_script_enabled=True)
                    self.assertEqual(violations(page), [])
                    self.assertEqual(small_targets(page), [])
                    self.assertLessEqual(
                        page.evaluate("document.documentElement.scrollWidth"),
                        page.viewport_size["width"])
                    keep(page, f"{look}-{name}")

    def test_axe_would_find_something(self):
        page = self.open("degraded-standard", java_script_enabled=True)
        page.evaluate("""() => {
            document.querySelector("h1").setAttribute("aria-label", "");
            document.querySelector("#pause").textContent = "";
            document.querySelector("#pause").hidden = false;
            document.querySelector("table").setAttribute("role", "nothing");
        }""")
        self.assertGreater(len(violations(page)), 1)

    def test_a_wall_shows_everything_on_one_screen(self):
        for name in ["whole-tv", "degraded-tv"]:
            for scheme in ["light", "dark"]:
                page = self.open(name, WALL, color_scheme=scheme)
                for part in ["#total", "#chart", "#strip"]:
                    box = page.locator(part).bounding_box()
                    self.assertLessEqual(box["y"] + box["height"], WALL["height"], part)
                    self.assertLessEqual(box["x"] + box["width"], WALL["width"], part)
                keep(page, f"wall-{name}-{scheme}", whole=False)

    def test_the_number_is_as_large_as_the_line_allows(self):
        for viewport in [PHONE, None, WALL]:
            page = self.open("whole-standard", viewport)
            line = page.locator(".hero").bounding_box()
            number = page.locator("#amount").bounding_box()
            self.assertLessEqual(number["x"] + number["width"], line["x"] + line["width"] + 1)
            self.assertGreater(number["width"], line["width"] * 0.6)

    def test_the_fonts_are_those_of_a_plain_linux(self):
        page = self.open("whole-standard")
        for selector in [".brand span", "h1", "#amount", ".code", "td.number", "code"]:
            families = fonts(page, selector)
            self.assertTrue(families and families <= {"DejaVu Sans", "DejaVu Sans Mono"}, families)

    def test_nothing_is_wider_than_its_place(self):
        """Also with a total of 21 digits, with the script and without it."""
        for name in ["large-standard", "large-tv", "large-embed", "degraded-standard",
                     "whole-standard", "whole-embed", "methodology", "waiting"]:
            for script in [True, False]:
                page = self.open(name, java_script_enabled=script)
                for width, height in SIZES:
                    if name.endswith("tv") and width < 1280:
                        continue
                    page.set_viewport_size({"width": width, "height": height})
                    if script:
                        page.evaluate(NEXT_FRAME)
                    for scheme in ["light", "dark"]:
                        page.emulate_media(color_scheme=scheme)
                        with self.subTest(page=name, width=width, scheme=scheme, script=script):
                            self.assertEqual(overflowing(page), [])
                        if name == "large-standard" and script:
                            keep(page, f"{width}-{scheme}")
                page.context.close()

    def test_what_is_too_wide_is_found(self):
        for spoil in ["document.getElementById('total').style.fontSize = '200px'",
                      "document.querySelector('td.number').style.paddingLeft = '900px'",
                      "document.querySelector('.masthead').style.width = '2000px'"]:
            page = self.open("whole-standard", java_script_enabled=True)
            page.evaluate(spoil)
            self.assertNotEqual(overflowing(page), [], spoil)

    def test_the_script_fits_the_number_to_the_line_by_its_measure(self):
        for name, largest in [("large-standard", 136), ("large-embed", 80)]:
            page = self.open(name, java_script_enabled=True)
            for width, height in [*SIZES, SIZES[0]]:
                page.set_viewport_size({"width": width, "height": height})
                page.evaluate(NEXT_FRAME)
                with self.subTest(page=name, width=width):
                    self.assertLessEqual(page.evaluate(FILLS), 1)
                    if page.evaluate(TYPE_SIZE) < largest:
                        self.assertGreater(page.evaluate(FILLS), 0.95)

    def test_each_region_is_named_once_in_the_banner(self):
        items = self.open("degraded-standard").locator("#banner li").all_inner_texts()
        named = [item for item in items if "eu-west" in item]
        self.assertEqual(len(named), 1, items)
        self.assertIn("eu-west has gone silent and is behind; data through", named[0])

    def test_forced_colours_and_paper(self):
        page = self.open("degraded-standard", forced_colors="active")
        keep(page, "forced-colours")
        page = self.open("degraded-standard")
        page.emulate_media(media="print")
        self.assertFalse(page.locator(".bases").is_visible())
        self.assertTrue(page.locator("#total").is_visible())
        keep(page, "paper")


if __name__ == "__main__":
    unittest.main()
