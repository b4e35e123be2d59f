"""The judge on trial: hand-written records, logs and stores whose verdict is known."""
import contextlib
import fractions
import io
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import judge
from judge_fold import PartitionFold, RegionTruth
from judge_records import IGNORED, Rejected, decode, parse_time
from judge_sources import Rates, Snapshot

NOON = 1_774_440_000_000  # 2026-03-25T12:00:00Z
NOON_MINUTE = NOON // 60_000
TRANSFER = {
    "transfer_id": "tx_1", "currency": "EUR", "amount_minor_units": 10_000,
    "settled_at_utc": "2026-03-25T12:00:00Z"}


def encoded(record, **changes):
    return json.dumps({**record, **changes}).encode()


def utc(milliseconds):
    seconds, rest = divmod(milliseconds, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:03d}Z"


def transfer(identifier, event, amount=1, currency="EUR"):
    return encoded({
        "transfer_id": identifier, "currency": currency, "amount_minor_units": amount,
        "settled_at_utc": utc(event)})


def correction(identifier, minute, delta, before=0, currency="EUR"):
    return encoded({
        "type": "bucket_correction", "correction_id": identifier, "currency": currency,
        "bucket_timestamp_min": minute, "delta_to_apply": delta, "correction_before": before,
        "reason": "r", "requested_by": "me", "issued_at_utc": "2026-03-25T12:00:00Z"})


def marker(event):
    return encoded({
        "type": "ledger_marker", "lsn": "0/16B3748", "system": "7301", "timeline": 1,
        "marked_at_utc": utc(event)})


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
                {"payload": TRANSFER}, {"payload": text}, {"schema": {}, "payload": text}):
            self.assertEqual(decode(json.dumps(record).encode()), plain, record)
        self.assertEqual(decode(json.dumps(text).encode()), plain)

    def test_what_settles_nothing_is_ignored_not_rejected(self):
        self.assertEqual(decode(None), (IGNORED,))
        for record in (
                {"op": "d", "before": TRANSFER, "after": None}, {"op": "c", "after": None},
                {"op": "c"}, {"schema": {}, "payload": None},
                {"op": "c", "after": {**TRANSFER, "state": "pending"}},
                {"op": "u", "before": {**TRANSFER, "state": "settled"},
                 "after": {**TRANSFER, "state": "settled"}}):
            self.assertEqual(decode(json.dumps(record).encode()), (IGNORED,), record)

    def test_amounts(self):
        good = encoded(TRANSFER)
        for text in (b"0", b"-1", b"-0", b"1.5", b"1e3", b"1.0", b'"12"', b"true", b"null", b"[]",
                     b"9223372036854775808", b"01", b"+1", b"NaN", b"Infinity", b"0x10", b""):
            self.assertIsNotNone(self.reason(good.replace(b"10000", text)), text)
        for text in (b"1", b"9223372036854775807", b" 7 "):
            self.assertIsNone(self.reason(good.replace(b"10000", text)), text)

    def test_what_is_no_json(self):
        good = encoded(TRANSFER)
        for value in (
                b"", b" ", b"{", b"null", b"[]", b"7", b"{} {}", good + b"x", good[:-1],
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
                ("é" * 64, True), ("é" * 65, False), ("💶" * 32, True), (7, False), (None, False)):
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
            ("correction", "c-1", "EUR", 29_456_210, -5, 3))
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


class Fold(unittest.TestCase):
    def setUp(self):
        self.fold = PartitionFold()

    def take(self, value, timestamp=NOON):
        """The outcome of one record."""
        before = dict(self.fold.outcomes)
        self.fold.fold(value, timestamp)
        (outcome,) = [
            name for name, count in self.fold.outcomes.items()
            if count != before.get(name, 0) and name != "consumed"]
        return outcome

    def test_sums_and_counts(self):
        self.assertEqual(self.take(transfer("a", NOON, 5)), "applied")
        self.assertEqual(self.take(transfer("b", NOON + 59_999, 7)), "applied")
        self.assertEqual(self.take(transfer("c", NOON + 60_000, 9)), "applied")
        self.assertEqual(self.take(transfer("d", NOON, 11, "USD")), "applied")
        self.assertEqual(self.fold.buckets, {
            (NOON_MINUTE, "EUR"): [12, 2, 0], (NOON_MINUTE + 1, "EUR"): [9, 1, 0],
            (NOON_MINUTE, "USD"): [11, 1, 0]})

    def test_a_repeat_counts_once_whatever_it_says(self):
        self.take(transfer("a", NOON, 5))
        self.assertEqual(self.take(transfer("a", NOON, 5)), "duplicate")
        self.assertEqual(self.take(transfer("a", NOON - 60_000, 6, "USD")), "duplicate")
        self.assertEqual(self.fold.buckets, {(NOON_MINUTE, "EUR"): [5, 1, 0]})

    def test_an_id_is_forgotten_after_25_h_10_min_since_its_last_sighting(self):
        self.take(transfer("a", NOON))
        horizon = 1_510 * 60_000
        later = NOON + horizon
        self.assertEqual(self.take(transfer("a", later), later), "duplicate")
        # Refreshed then: counted from there again.
        self.assertEqual(self.take(transfer("a", later + horizon), later + horizon), "duplicate")
        past = later + 2 * horizon + 60_000
        self.assertEqual(self.take(transfer("a", past), past), "applied")

    def test_log_time_is_moved_neither_by_a_bad_record_clock_nor_by_a_bad_event_clock(self):
        self.take(transfer("a", NOON), NOON + 10 * 3_600_000)
        self.assertEqual(self.fold.log_time, NOON + 300_000)
        self.assertEqual(self.take(transfer("b", NOON + 3_600_000), NOON), "rejected:future")
        self.assertEqual(self.fold.log_time, NOON + 300_000)
        self.take(transfer("c", NOON - 7_200_000), NOON)
        self.assertEqual(self.fold.log_time, NOON + 300_000)

    def test_future_is_measured_from_the_record_or_from_log_time(self):
        self.assertEqual(self.take(transfer("a", NOON + 300_001), NOON), "rejected:future")
        self.assertEqual(self.take(transfer("a", NOON + 300_000), NOON), "applied")
        self.assertEqual(self.fold.log_time, NOON)
        self.take(transfer("b", NOON + 600_000), NOON + 600_000)
        # A record with an older stamp is judged by log time.
        self.assertEqual(self.take(transfer("c", NOON + 900_000), NOON), "applied")
        self.assertEqual(self.take(transfer("d", NOON + 900_001), NOON), "rejected:future")

    def test_a_rejected_id_may_still_come(self):
        self.take(transfer("a", NOON + 300_001))
        self.assertEqual(self.take(transfer("a", NOON)), "applied")

    def test_late_money_goes_to_the_minute_of_its_arrival(self):
        self.take(transfer("a", NOON))
        edge = NOON - 1_500 * 60_000
        self.assertEqual(self.take(transfer("b", edge + 60_000, 3)), "applied")
        self.assertEqual(self.take(transfer("c", edge + 59_999, 4)), "late")
        self.assertEqual(self.take(transfer("c", edge + 59_999, 4)), "duplicate")
        self.assertEqual(self.fold.late, {(NOON_MINUTE, "EUR"): [4, 1]})
        self.assertEqual(self.fold.buckets[NOON_MINUTE - 1_499, "EUR"], [3, 1, 0])

    def test_the_record_itself_may_make_its_transfer_late(self):
        # Log time counts the record first: its own stamp, at most 5 minutes past the event.
        old = NOON - 1_600 * 60_000
        self.assertEqual(self.take(transfer("a", old), NOON), "applied")
        self.assertEqual(self.fold.log_time, old + 300_000)

    def test_overflow_is_rejected_and_leaves_no_trace(self):
        limit = 1 << 52
        self.assertEqual(self.take(transfer("a", NOON, limit)), "applied")
        before = self.fold.log_time
        self.assertEqual(
            self.take(transfer("b", NOON + 59_000, 1), NOON + 59_000), "rejected:overflow")
        self.assertEqual(self.fold.log_time, before)
        self.assertEqual(self.take(transfer("a", NOON, limit)), "duplicate")
        self.assertEqual(self.take(transfer("b", NOON + 60_000, 1), NOON + 60_000), "applied")
        self.assertEqual(self.take(transfer("c", NOON, limit + 1, "USD")), "rejected:overflow")

    def test_without_a_timestamp_nothing_counts(self):
        for value in (transfer("a", NOON), correction("c", NOON_MINUTE, 1), marker(NOON)):
            self.assertEqual(self.take(value, None), "rejected:timestamp")
        self.assertEqual(self.take(None, None), "control:ignored")

    def test_corrections(self):
        self.take(transfer("a", NOON, 100))
        self.assertEqual(self.take(correction("c1", NOON_MINUTE, -30)), "control:applied")
        self.assertEqual(self.take(correction("c1", NOON_MINUTE, -30)), "control:duplicate")
        self.assertEqual(self.take(correction("c2", NOON_MINUTE, 5, before=0)), "control:void")
        # A void correction is known all the same.
        self.assertEqual(self.take(correction("c2", NOON_MINUTE, 5, -30)), "control:duplicate")
        self.assertEqual(self.take(correction("c3", NOON_MINUTE, 5, -30)), "control:applied")
        self.assertEqual(self.fold.buckets[NOON_MINUTE, "EUR"], [100, 1, -25])
        self.assertEqual(self.take(correction("c4", NOON_MINUTE - 1_500, 1)), "control:late")
        self.assertEqual(self.take(correction("c5", NOON_MINUTE + 6, 1)), "control:future")
        self.assertEqual(self.take(correction("c6", NOON_MINUTE + 5, 1)), "control:applied")
        self.assertEqual(
            self.take(correction("c7", NOON_MINUTE, (1 << 52) + 26, -25)), "rejected:overflow")
        # An id of a transfer is none of a correction.
        self.assertEqual(self.take(correction("a", NOON_MINUTE, 1, -25)), "control:applied")
        self.assertEqual(self.fold.log_time, NOON)

    def test_markers_move_log_time(self):
        self.assertEqual(self.take(marker(NOON), NOON + 1_000), "control:marker")
        self.assertEqual(self.fold.log_time, NOON + 1_000)
        self.assertEqual(self.take(marker(NOON + 400_000), NOON), "control:future")

    def test_every_record_has_exactly_one_outcome(self):
        values = [
            transfer("a", NOON), transfer("a", NOON), transfer("b", NOON - 10 ** 9), b"x", None,
            marker(NOON), correction("c", NOON_MINUTE, 1), encoded(TRANSFER, currency="x")]
        for value in values:
            self.take(value)
        outcomes = dict(self.fold.outcomes)
        self.assertEqual(outcomes.pop("consumed"), len(values))
        self.assertEqual(sum(outcomes.values()), len(values))


class Comparison(unittest.TestCase):
    def setUp(self):
        self.truths = {}
        for region, amount in (("eu", 100), ("us", 7)):
            fold = PartitionFold()
            fold.fold(transfer("a", NOON, amount), NOON)
            fold.fold(correction("c", NOON_MINUTE, -1), NOON)
            fold.fold(transfer("b", NOON - 10 ** 9, 5), NOON)
            self.truths[region] = RegionTruth()
            self.truths[region].add(0, 3, fold)
        self.truth = judge.Truth(self.truths)
        self.snapshot = Snapshot()
        self.snapshot.shards = {
            ("eu", NOON_MINUTE, "EUR"): [100, 1, -1], ("us", NOON_MINUTE, "EUR"): [7, 1, -1]}
        self.snapshot.late = {
            ("eu", NOON_MINUTE, "EUR"): [5, 1, 0], ("us", NOON_MINUTE, "EUR"): [5, 1, 0]}
        self.snapshot.metric = {(NOON_MINUTE, "EUR"): 105}
        self.snapshot.transfers = {(NOON_MINUTE, "EUR"): 2}

    def places(self):
        return [difference["where"] for difference in judge.compare(self.truth, self.snapshot)]

    def test_equal_is_exact(self):
        self.assertEqual(self.places(), [])

    def test_any_other_number_is_a_difference(self):
        for sums, key in (
                (self.snapshot.shards, ("eu", NOON_MINUTE, "EUR")),
                (self.snapshot.late, ("us", NOON_MINUTE, "EUR"))):
            for index in range(3):
                sums[key][index] += 1
                self.assertEqual(len(self.places()), 1)
                sums[key][index] -= 1
        for sums in (self.snapshot.metric, self.snapshot.transfers):
            sums[NOON_MINUTE, "EUR"] += 1
            self.assertEqual(len(self.places()), 1)
            sums[NOON_MINUTE, "EUR"] -= 1
        self.assertEqual(self.places(), [])

    def test_missing_and_surplus_values_are_differences_zeros_are_not(self):
        del self.snapshot.metric[NOON_MINUTE, "EUR"]
        self.assertEqual(self.places(), ["metric"])
        self.snapshot.metric[NOON_MINUTE, "EUR"] = 105
        self.snapshot.shards["zz", NOON_MINUTE, "EUR"] = [0, 1, 0]
        self.assertEqual(self.places(), ["shard"])
        self.snapshot.shards["zz", NOON_MINUTE, "EUR"] = [0, 0, 0]
        self.snapshot.transfers[NOON_MINUTE + 1, "USD"] = 0
        self.assertEqual(self.places(), [])

    def test_expired_minutes_are_not_looked_at(self):
        self.snapshot.shards, self.snapshot.metric = {}, {}
        self.snapshot.transfers, self.snapshot.late = {}, {}
        self.snapshot.first_kept_minute = NOON_MINUTE
        self.assertEqual(len(self.places()), 6)
        self.snapshot.first_kept_minute = NOON_MINUTE + 1
        self.assertEqual(self.places(), [])

    def test_odd_keys_are_differences(self):
        self.snapshot.odd_keys.append({"family": "surprise", "keys": 1})
        self.assertEqual(self.places(), ["key"])


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


class RealSources(unittest.TestCase):
    """A mock Kafka cluster and a real Redis, both on free loopback ports."""

    @classmethod
    def setUpClass(cls):
        from confluent_kafka import Producer

        cls.producer = Producer({"bootstrap.servers": "mock:1", "test.mock.num.brokers": 1})
        broker = next(iter(cls.producer.list_topics(timeout=10).brokers.values()))
        cls.brokers = f"{broker.host}:{broker.port}"
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        cls.redis_address = f"127.0.0.1:{port}"
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.redis = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", shutil.which("redis-server"), "--port", str(port),
             "--bind", "127.0.0.1", "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL)
        cls.addClassCleanup(cls.redis.wait)
        cls.addClassCleanup(cls.redis.kill)
        import redis

        cls.client = redis.Redis(host="127.0.0.1", port=port)
        deadline = time.monotonic() + 10
        while True:
            try:
                cls.client.ping()
                break
            except redis.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def verdict(self, *words):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            status = judge.main([
                "--redis", self.redis_address, "--topic", "settled", "--patience", "10", *words])
        return status, json.loads(output.getvalue())

    def put(self, minute, region, partition, value, metric, transfers):
        expiry = minute * 60 + 90_000
        for key, write in (
                (f"shard:{region}:main:{partition}:{minute}",
                 lambda key: self.client.hset(key, "EUR", value)),
                (f"metric:EUR:{minute}", lambda key: self.client.set(key, metric)),
                (f"transfers:EUR:{minute}", lambda key: self.client.set(key, transfers))):
            write(key)
            self.client.expireat(key, expiry)

    def test_reads_topics_and_redis_and_tells_equal_from_not(self):
        now = int(time.time() * 1000)
        minute = now // 60_000 - 3
        event = minute * 60_000
        produced = [
            (0, transfer("a", event, 5)), (1, transfer("b", event, 7)), (1, b"not a record"),
            (1, None), (0, transfer("a", event, 5))]
        for partition, value in produced:
            self.producer.produce("settled", value, partition=partition, timestamp=now)
        self.assertEqual(self.producer.flush(10), 0)
        brokers = ["--brokers", f"eu={self.brokers}"]

        status, verdict = self.verdict(*brokers)
        self.assertEqual((status, verdict["verdict"]), (1, "different"))
        self.assertEqual(verdict["difference_count"], 3)
        self.assertEqual(verdict["records"], len(produced))

        self.put(minute, "eu", 0, "5:1:0", 12, 2)
        self.put(minute, "eu", 1, "7:1:0", 12, 2)
        self.client.hset("watermark:eu", mapping={"main/0": "2 0 1.1.0 -", "main/1": "3 0 1.1.0 -"})
        status, verdict = self.verdict(*brokers)
        self.assertEqual((status, verdict["verdict"]), (0, "exact"), verdict)
        self.assertEqual(verdict["watermark_not_at_end"].keys() & {"eu/0", "eu/1"}, set())
        self.assertEqual(verdict["outcomes"]["eu"], {
            "applied": 2, "consumed": 5, "control:ignored": 1, "duplicate": 1, "rejected:json": 1})

        self.client.expire(f"metric:EUR:{minute}", 3_600)
        status, verdict = self.verdict(*brokers)
        self.assertEqual([d["where"] for d in verdict["differences"]], ["expiry"])
        self.put(minute, "eu", 0, "5:1:0", 12, 2)
        self.client.set("surprise", 1)
        status, verdict = self.verdict(*brokers)
        self.assertEqual([d["where"] for d in verdict["differences"]], ["key"])
        self.client.delete("surprise")

        # The same broker as a second region: its money is missing.
        status, verdict = self.verdict(*brokers, "--brokers", f"us={self.brokers}")
        self.assertEqual({d["where"] for d in verdict["differences"]},
                         {"shard", "metric", "transfers"})
        self.assertEqual(status, 1)

    def test_a_topic_that_is_not_there_cannot_be_judged(self):
        status, verdict = self.verdict(
            "--brokers", f"eu={self.brokers}", "--kafka", "allow.auto.create.topics=false",
            "--topic", "nothing-here")
        self.assertEqual((status, verdict["verdict"]), (2, "unjudgeable"))


if __name__ == "__main__":
    unittest.main()
