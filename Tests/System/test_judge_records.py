"""Tests the decoding of single records with hand-written examples."""
import json
import unittest

from judge_examples import NOON, TRANSFER, correction, encoded, marker
from judge_records import IGNORED, Rejected, decode, parse_time


class Records(unittest.TestCase):
    def reason(self, value):
        try:
            decode(value)
        except Rejected as rejected:
            return str(rejected)
        return None

    def test_a_transfer_says_who_what_and_when(self):
        self.assertEqual(decode(encoded(TRANSFER)), ("transfer", "tx_1", "EUR", 10_000, NOON))
        self.assertEqual(
            decode(encoded(TRANSFER, extra={"deep": [1, {"x": 1.5}]}, type="refund")),
            decode(encoded(TRANSFER)))
        escaped = encoded(TRANSFER).replace(b"tx_1", b"t\\u0078_1")
        self.assertEqual(decode(escaped)[1], "tx_1")

    def test_every_accepted_envelope_carries_the_same_transfer(self):
        plain = decode(encoded(TRANSFER))
        text = json.dumps(TRANSFER)
        for record in (
                {"op": "c", "before": None, "after": TRANSFER},
                {"op": "r", "after": TRANSFER},
                {"op": "u", "before": {"state": "pending"},
                 "after": {**TRANSFER, "state": "settled"}},
                {"schema": {"type": "struct"}, "payload": {"op": "c", "after": TRANSFER}},
                {"payload": TRANSFER}, {"payload": text}, {"schema": {}, "payload": text},
                {"payload": {"payload": TRANSFER}}, {**TRANSFER, "state": "SETTLED"},
                {**TRANSFER, "__op": "c", "__deleted": "false"},
                {"op": "c", "after": {**TRANSFER, "status": "settled"}},
                {"op": "u", "before": {"transfer_id": "tx_1"},
                 "after": {**TRANSFER, "state": "settled"}}):
            self.assertEqual(decode(json.dumps(record).encode()), plain, record)
        for record in (text, json.dumps({"schema": None, "payload": TRANSFER}),
                       json.dumps({"payload": text})):
            self.assertEqual(decode(json.dumps(record).encode()), plain)

    def test_what_settles_nothing_is_ignored_not_rejected(self):
        self.assertEqual(decode(None), (IGNORED,))
        for record in (
                {"op": "d", "before": TRANSFER, "after": None}, {"op": "c", "after": None},
                {"op": "c"}, {"schema": {}, "payload": None}, None, "null", {"payload": "null"},
                {"op": "t", "source": {}}, {"op": "m", "message": {}},
                {**TRANSFER, "state": "pending"}, {**TRANSFER, "state": None},
                {**TRANSFER, "status": "failed"}, {**TRANSFER, "__op": "d"},
                {**TRANSFER, "state": "settled", "__deleted": "true"},
                {"transfer_id": "tx_1", "state": "pending"},
                {"op": "c", "after": {**TRANSFER, "state": "pending"}},
                {"op": "u", "before": {**TRANSFER, "state": "settled"},
                 "after": {**TRANSFER, "state": "settled"}}):
            self.assertEqual(decode(json.dumps(record).encode()), (IGNORED,), record)

    def test_amounts(self):
        good = encoded(TRANSFER)
        for text in (b"0", b"-1", b"-0", b"1.5", b"1e3", b"1.0", b'"12"', b"true", b"null", b"[]",
                     b"9223372036854775808", b"4503599627370497", b"01", b"+1", b"NaN", b"Infinity",
                     b"0x10", b""):
            self.assertIsNotNone(self.reason(good.replace(b"10000", text)), text)
        for text in (b"1", b"4503599627370496", b" 7 "):
            self.assertIsNone(self.reason(good.replace(b"10000", text)), text)

    def test_what_is_no_json(self):
        good = encoded(TRANSFER)
        for value in (
                b"", b" ", b"{", b"[]", b"7", b"{} {}", good + b"x", good[:-1],
                b"\xef\xbb\xbf" + good, good.decode().encode("utf-16"),
                good.replace(b"tx_1", b"tx_\xff"), good.replace(b"tx_1", b"tx_\x01"),
                good.replace(b"tx_1", b"\\ud800"), good.replace(b"tx_1", b"\\x41"),
                good.replace(b'"tx_1"', b"'tx_1'"), good.replace(b"}", b",}"),
                b"[" * 100_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
                json.dumps(json.dumps(json.dumps(TRANSFER))).encode()):
            self.assertIsNotNone(self.reason(value), value[:60])

    def test_nesting_has_a_bound_that_text_in_strings_does_not_count_for(self):
        def nested(depth):
            return encoded(TRANSFER, x=0).replace(b'"x": 0', b'"x":' + b"[" * depth + b"]" * depth)
        self.assertIsNone(self.reason(nested(32)))
        self.assertEqual(self.reason(nested(33)), "json")
        self.assertIsNone(self.reason(encoded(TRANSFER, x='[{"\\' * 100)))
        self.assertIsNone(self.reason(encoded(TRANSFER, x=[[]] * 100)))

    def test_size_ids_and_fields(self):
        padding = 65_536 - len(encoded(TRANSFER, x=""))
        self.assertIsNone(self.reason(encoded(TRANSFER, x="y" * padding)))
        self.assertEqual(self.reason(encoded(TRANSFER, x="y" * (padding + 1))), "size")
        for identifier, good in (
                ("", False), ("x", True), ("x" * 128, True), ("x" * 129, False),
                ("é" * 64, True), ("é" * 65, False), ("💶" * 32, True), (7, False),
                (None, False)):
            self.assertEqual(
                self.reason(encoded(TRANSFER, transfer_id=identifier)) is None, good, identifier)
        for name in TRANSFER:
            less = {key: value for key, value in TRANSFER.items() if key != name}
            self.assertEqual(self.reason(json.dumps(less).encode()), "missing")

    def test_a_known_field_given_twice_is_rejected_an_unknown_one_is_not(self):
        good = encoded(TRANSFER)
        for name in TRANSFER:
            twice = good[:-1] + b', "' + name.encode() + b'": 1}'
            self.assertEqual(self.reason(twice), "duplicate_key")
        self.assertEqual(self.reason(b'{"currency":"EUR",' + good[1:]), "duplicate_key")
        self.assertEqual(self.reason(b'{"curr\\u0065ncy":"EUR",' + good[1:]), "duplicate_key")
        self.assertIsNone(self.reason(b'{"x":1,"x":2,' + good[1:]))
        self.assertIsNone(self.reason(b'{"x":{"currency":1,"currency":2},' + good[1:]))
        inside = b'{"op":"c","after":{"currency":"EUR",' + good[1:] + b"}"
        self.assertEqual(self.reason(inside), "duplicate_key")

    def test_currencies(self):
        for code, good in (
                ("USD", True), ("DEM", True), ("ZWL", True), ("XTS", True), ("usd", False),
                ("XXX", False), ("XAU", False), ("ABC", False), ("US", False), ("", False)):
            self.assertEqual(self.reason(encoded(TRANSFER, currency=code)) is None, good, code)

    def test_times(self):
        for text, expected in (
                ("2026-03-25T12:00:00Z", NOON), ("2026-03-25t12:00:00z", NOON),
                ("2026-03-25T12:00:00.1Z", NOON + 100),
                ("2026-03-25T12:00:00.123999999Z", NOON + 123),
                ("2026-03-25T17:30:00+05:30", NOON), ("2026-03-25T04:00:00-08:00", NOON),
                ("2026-03-26T11:59:00+23:59", NOON), ("2026-03-25T12:00:00-00:00", NOON),
                ("1969-12-31T23:59:59.999Z", -1), ("1970-01-01T00:00:00Z", 0),
                ("2016-12-31T23:59:60Z", 1_483_228_799_999),
                ("2016-12-31T18:59:60.5-05:00", 1_483_228_799_999),
                ("2024-02-29T00:00:00Z", 1_709_164_800_000),
                ("0000-01-01T00:00:00Z", -62_167_219_200_000),
                ("0000-03-01T00:00:00Z", -62_162_035_200_000),
                ("9999-12-31T23:59:59Z", 253_402_300_799_000)):
            self.assertEqual(parse_time(text), expected, text)
        for text in (
                "", "2026-03-25", "2026-03-25T12:00:00", "2026-03-25 12:00:00Z",
                "2026-03-25T12:00:00,1Z", "2026-03-25T12:00:00.Z", "2026-03-25T24:00:00Z",
                "2026-03-25T12:00:00.1234567890Z", "2026-03-25T12:60:00Z", "2026-13-01T00:00:00Z",
                "2026-02-29T00:00:00Z", "2026-00-01T00:00:00Z", "2026-03-00T00:00:00Z",
                "2026-03-25T12:00:60Z", "2026-03-25T12:00:61Z", "2026-03-25T12:00:00+24:00",
                "2026-03-25T12:00:00+0530", "2026-03-25T12:00Z", "26-03-25T12:00:00Z",
                "２０２６-03-25T12:00:00Z", "2026-03-25T12:00:00Z\n", " 2026-03-25T12:00:00Z",
                "-2026-03-25T12:00:00Z", "12026-03-25T12:00:00Z"):
            self.assertIsNone(parse_time(text), text)

    def test_control_records(self):
        self.assertEqual(
            decode(correction("c-1", 29_456_210, -5, before=3)),
            ("correction", "c-1", "EUR", 29_456_210, -5, 3, 1_774_440_000_000))
        self.assertEqual(decode(marker(NOON)), ("marker", NOON))
        for value in (
                encoded({"type": "bucket_correction"}), encoded({"type": "ledger_marker"}),
                correction("", 1, 1), correction("c", "1", 1), correction("c", 1 << 31, 1),
                correction("c", 1, 1.5), correction("c", 1, 1 << 63),
                correction("c", 1, 1, currency="eur"),
                marker(NOON).replace(b"0/16B3748", b"016B3748"),
                marker(NOON).replace(b"0/16B3748", b"0/116B3748F"),
                marker(NOON).replace(b"7301", b""), marker(NOON).replace(b": 1", b": -1"),
                marker(NOON).replace(b"Z", b"")):
            self.assertIsNotNone(self.reason(value), value)


if __name__ == "__main__":
    unittest.main()
