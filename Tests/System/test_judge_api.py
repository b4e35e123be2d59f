"""Tests the judge's own conversion, and how it judges the public API."""
import argparse
import fractions
import http.server
import pathlib
import tempfile
import threading
import time
import unittest

import judge
from judge_sources import Rates, decimal_text


class Conversion(unittest.TestCase):
    def test_the_total_is_exact_and_rounded_once_half_to_even(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "rates.json")
            path.write_text('{"base":"EUR","rates":{"USD":"1.25","JPY":"160","KWD":0.4}}')
            rates = Rates(path)
        # 1 EUR + 2 EUR + 2.5 EUR + 1 EUR are 6.5 EUR, or 8.125 USD.
        total = rates.total({"EUR": 100, "JPY": 320, "KWD": 1_000, "USD": 125}, "USD")
        self.assertEqual(total, fractions.Fraction(812, 100))
        # 0.075, 0.125 and 0.375 USD.
        self.assertEqual(rates.total({"EUR": 6}, "USD"), fractions.Fraction(8, 100))
        self.assertEqual(rates.total({"EUR": 10}, "USD"), fractions.Fraction(12, 100))
        self.assertEqual(rates.total({"EUR": 30}, "USD"), fractions.Fraction(38, 100))
        self.assertEqual(rates.total({"EUR": 1, "BRL": 10 ** 9}, "JPY"), 2)


class Api(unittest.TestCase):
    """Tests the public total with a scripted server."""

    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        path = pathlib.Path(folder, "rates.json")
        path.write_text('{"base":"EUR","rates":{"USD":"1.25","JPY":"160","KWD":"0.4"}}')
        self.rates = Rates(path)
        self.truth = judge.Truth({})
        self.minute = int(time.time()) // 60
        # 12.50 USD, in a minute that stays in the window during this test.
        self.truth.metric = {
            (self.minute - 60, "EUR"): 800, (self.minute - 60, "USD"): 250,
            (self.minute - 1_441, "USD"): 99, (self.minute + 2, "USD"): 99,
            (self.minute - 60, "CHF"): 99}
        self.status, self.total = 200, "12.50"
        test = self

        class Endpoint(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(test.status)
                self.end_headers()
                self.wfile.write((
                    '{"time_window":"24h","base_currency":"USD","total_amount":'
                    f'{test.total},"data_as_of":"2026-03-25T12:00:00Z","is_degraded":false}}'
                ).encode())

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"

    def differences(self, total, base="USD", publish=None):
        self.total = total
        return judge.api_differences(self.truth, self.rates, argparse.Namespace(
            api=self.url, base=base, publish=publish))

    def test_equal_is_no_difference(self):
        self.assertEqual(self.differences("12.50"), [])
        self.assertEqual(self.differences("1600", "JPY"), [])
        self.assertEqual(self.differences("4.000", "KWD"), [])
        self.assertEqual(self.differences("2.50", publish="USD,JPY"), [])

    def test_a_minor_unit_less_or_more_is_a_difference(self):
        for total, base in (
                ("12.49", "USD"), ("12.51", "USD"), ("1599", "JPY"), ("4.001", "KWD"),
                ("-12.50", "USD"), ("0.00", "USD")):
            (difference,) = self.differences(total, base)
            self.assertEqual((difference["where"], difference["found"]), ("api", total))
        self.assertEqual(self.differences("12.49")[0]["expected"], "12.50")

    def test_other_digits_of_the_same_number_are_a_difference(self):
        for total, base in (
                ("12.5", "USD"), ("12.500", "USD"), ("1250e-2", "USD"), ("1600.0", "JPY"),
                ("4", "KWD"), ("4.00", "KWD")):
            self.assertEqual(len(self.differences(total, base)), 1, total)

    def test_the_window_of_the_minute_just_past_will_do(self):
        # Settled in the current minute, so that the two windows differ.
        self.truth.metric[self.minute, "USD"] = 1
        before = int(time.time()) // 60
        with_it, without = self.differences("12.51"), self.differences("12.50")
        if int(time.time()) // 60 == before == self.minute:
            self.assertEqual((with_it, without), ([], []))

    def test_an_api_that_gives_no_total_is_a_difference(self):
        self.status = 503
        self.assertEqual(self.differences("12.50")[0]["where"], "api")
        self.url = "http://127.0.0.1:1"
        self.assertEqual(self.differences("12.50")[0]["where"], "api")

    def test_decimal_text_has_exactly_the_digits_of_the_currency(self):
        for total, base, text in (
                (fractions.Fraction(1250, 100), "USD", "12.50"),
                (fractions.Fraction(7), "JPY", "7"), (fractions.Fraction(0), "USD", "0.00"),
                (fractions.Fraction(-1, 100), "USD", "-0.01"),
                (fractions.Fraction(10 ** 30), "USD", "1" + "0" * 30 + ".00"),
                (fractions.Fraction(1, 1000), "KWD", "0.001")):
            self.assertEqual(decimal_text(total, base), text)


if __name__ == "__main__":
    unittest.main()
