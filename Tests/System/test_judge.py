"""Tests the judge with hand-written logs and stores and their known verdicts."""
import contextlib
import io
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import judge
from judge_examples import NOON, NOON_MINUTE, TRANSFER, correction, encoded, marker, transfer
from judge_fold import PartitionFold, RegionTruth
from judge_sources import RegionReader, Snapshot


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

    def test_an_id_is_live_for_25_h_after_the_greatest_minute_it_was_sighted_for(self):
        day = 1_500 * 60_000
        self.take(transfer("a", NOON))
        # Stamped a minute less than 25 h later; then a whole 25 h after that.
        self.assertEqual(
            self.take(transfer("a", NOON + 3_600_000), NOON + day - 60_000), "duplicate")
        self.assertEqual(
            self.take(transfer("a", NOON + day), NOON + day + 3_599_000), "duplicate")
        self.assertEqual(
            self.take(transfer("a", NOON + 3 * day), NOON + 3 * day), "applied")

    def test_a_wrong_clock_moves_its_own_money_only(self):
        month = 30 * 86_400_000
        self.assertEqual(self.take(transfer("a", NOON + month, 5), NOON + month), "applied")
        self.assertEqual(self.take(transfer("b", NOON, 7)), "applied")
        self.assertEqual(self.take(transfer("c", NOON - 3_600_000, 9)), "applied")
        self.assertEqual(self.fold.late, {})

    def test_future_is_measured_from_the_records_own_stamp(self):
        self.assertEqual(self.take(transfer("a", NOON + 300_001), NOON), "rejected:future")
        self.assertEqual(self.take(transfer("a", NOON + 300_000), NOON), "applied")
        self.take(transfer("b", NOON + 600_000), NOON + 600_000)
        self.assertEqual(self.take(transfer("c", NOON + 300_001), NOON), "rejected:future")

    def test_a_rejected_id_may_still_come(self):
        self.take(transfer("a", NOON + 300_001))
        self.assertEqual(self.take(transfer("a", NOON)), "applied")

    def test_late_money_goes_to_the_minute_of_its_stamp(self):
        self.take(transfer("a", NOON))
        edge = NOON - 1_500 * 60_000
        self.assertEqual(self.take(transfer("b", edge + 60_000, 3)), "applied")
        self.assertEqual(self.take(transfer("c", edge + 59_999, 4)), "late")
        self.assertEqual(self.take(transfer("c", edge + 59_999, 4)), "duplicate")
        self.assertEqual(self.fold.late, {(NOON_MINUTE, "EUR"): [4, 1]})
        self.assertEqual(self.fold.buckets[NOON_MINUTE - 1_499, "EUR"], [3, 1, 0])

    def test_the_record_itself_makes_its_transfer_late(self):
        old = NOON - 1_600 * 60_000
        self.assertEqual(self.take(transfer("a", old), NOON), "late")
        self.assertEqual(self.take(transfer("b", old), old), "applied")

    def test_what_overflows_is_rejected_and_sighted(self):
        limit = 1 << 52
        self.assertEqual(self.take(transfer("a", NOON, limit)), "applied")
        self.assertEqual(
            self.take(transfer("b", NOON + 59_000, 1), NOON + 59_000), "rejected:overflow")
        self.assertEqual(self.take(transfer("a", NOON, limit)), "duplicate")
        self.assertEqual(self.take(transfer("b", NOON + 60_000, 1), NOON + 60_000), "duplicate")
        self.assertEqual(self.take(transfer("c", NOON, limit + 1, "USD")), "rejected:amount")

    def test_without_a_timestamp_nothing_counts(self):
        for value in (transfer("a", NOON), correction("c", NOON_MINUTE, 1), marker(NOON)):
            for timestamp in (None, 0, 946_684_799_999, 7_289_654_400_000):
                self.assertEqual(self.take(value, timestamp), "rejected:timestamp")
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
        # Ids of transfers and of corrections are separate.
        self.assertEqual(self.take(correction("a", NOON_MINUTE, 1, -25)), "control:applied")
        # Issued at noon, written too late.
        late = NOON + 600_000
        self.assertEqual(
            self.take(correction("c8", NOON_MINUTE, 1, -24), late + 1), "control:void")
        self.assertEqual(self.take(correction("c9", NOON_MINUTE, 1, -24), late), "control:applied")

    def test_markers(self):
        self.assertEqual(self.take(marker(NOON), NOON + 1_000), "control:marker")
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
        late = f"late:eu:main:0:{minute}"
        self.client.hset(late, "EUR", "0:0:0")
        self.client.expireat(late, minute * 60 + 90_001)
        status, verdict = self.verdict(*brokers)
        self.assertEqual(
            [(d["where"], d["key"]) for d in verdict["differences"]], [("expiry", late)])
        self.client.delete(late)
        self.client.set("surprise", 1)
        status, verdict = self.verdict(*brokers)
        self.assertEqual([d["where"] for d in verdict["differences"]], ["key"])
        self.client.delete("surprise")

        # The same broker as a second region: its money is missing.
        status, verdict = self.verdict(*brokers, "--brokers", f"us={self.brokers}")
        self.assertEqual({d["where"] for d in verdict["differences"]},
                         {"shard", "metric", "transfers"})
        self.assertEqual(status, 1)

    def follow(self, topic):
        """A judge process that reads continuously until its input ends that."""
        return subprocess.Popen(
            [sys.executable, judge.__file__, "--redis", self.redis_address, "--topic", topic,
             "--brokers", f"eu={self.brokers}", "--ids", "live_", "--follow"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def test_it_reads_along_and_judges_what_came_before_it_was_told(self):
        now = int(time.time() * 1000)
        self.producer.produce("along", transfer("day_a", now, 5), partition=0, timestamp=now)
        self.assertEqual(self.producer.flush(10), 0)
        follower = self.follow("along")
        self.producer.produce("along", transfer("live_a", now, 7), partition=1, timestamp=now)
        self.producer.produce("along", transfer("live_a", now, 7), partition=1, timestamp=now)
        self.assertEqual(self.producer.flush(10), 0)
        output, _ = follower.communicate(f"{time.time() - 100}\n", 30)
        verdict = json.loads(output)
        self.assertEqual((follower.returncode, verdict["verdict"]), (1, "different"))
        self.assertEqual((verdict["records"], verdict["ids"]), (3, {"eu": {"live_": 1}}))
        self.assertGreaterEqual(verdict["waited_seconds"], 100)

    def test_a_judge_that_is_not_told_judges_nothing(self):
        follower = self.follow("settled")
        output, _ = follower.communicate("", 30)
        self.assertEqual((follower.returncode, json.loads(output)["verdict"]), (2, "unjudgeable"))

    def test_what_comes_while_it_waits_counts_too(self):
        now = int(time.time() * 1000)
        self.producer.list_topics("counts", timeout=10)
        reader = RegionReader("eu", self.brokers, "counts", {}, 10)
        self.addCleanup(reader.consumer.close)
        self.assertEqual(sum(reader.catch_up().ends.values()), 0)
        self.assertIsNone(reader.catch_up())
        self.producer.produce("counts", transfer("a", now, 5), partition=0, timestamp=now)
        self.assertEqual(self.producer.flush(10), 0)
        self.assertEqual(reader.catch_up().ends[0], 1)
        self.assertIsNone(reader.catch_up())

    def test_without_a_record_there_is_nothing_to_judge(self):
        self.producer.list_topics("empty", timeout=10)
        status, verdict = self.verdict("--brokers", f"eu={self.brokers}", "--topic", "empty")
        self.assertEqual((status, verdict["verdict"]), (2, "unjudgeable"), verdict)
        self.assertIn("no topic has a record", verdict["reason"])

    def test_a_redis_that_is_away_differs_and_is_asked_again(self):
        now = int(time.time() * 1000)
        self.producer.produce("away", transfer("a", now, 5), partition=0, timestamp=now)
        self.assertEqual(self.producer.flush(10), 0)
        status, verdict = self.verdict(
            "--brokers", f"eu={self.brokers}", "--topic", "away", "--redis", "127.0.0.1:1")
        self.assertEqual((status, verdict["verdict"]), (1, "different"))
        self.assertEqual([d["where"] for d in verdict["differences"]], ["redis"])

    def test_a_topic_that_is_not_there_cannot_be_judged(self):
        status, verdict = self.verdict(
            "--brokers", f"eu={self.brokers}", "--kafka", "allow.auto.create.topics=false",
            "--topic", "nothing-here")
        self.assertEqual((status, verdict["verdict"]), (2, "unjudgeable"))


if __name__ == "__main__":
    unittest.main()
