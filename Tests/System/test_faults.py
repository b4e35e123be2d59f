"""Tests the system test: verdicts, schedules and answers that it must reject."""
import copy
import json
import random
import socket
import threading
import types
import unittest

from deployment import Deployment, named_brokers
from fault_proxy import HAND
from faults import HISTORY, REGIONS, Faults, live_prefix, load, verdict_problems

EXACT = {
    "verdict": "exact", "waited_seconds": 30.0, "compared": {"buckets": 1},
    "outcomes": {region: {"consumed": HISTORY + 1} for region in REGIONS},
    "ids": {region: {"live_": 1} for region in REGIONS}}


class Verdict(unittest.TestCase):
    def test_exact_in_time_and_of_something_is_well(self):
        self.assertEqual(verdict_problems(EXACT), [])

    def test_anything_less_is_a_problem(self):
        region = REGIONS[-1]
        for path, value in (
                (["verdict"], "different"), (["verdict"], "unjudgeable"),
                (["waited_seconds"], 30.1), (["compared", "buckets"], 0),
                (["outcomes", region, "consumed"], HISTORY), (["ids", region, "live_"], 0)):
            verdict = copy.deepcopy(EXACT)
            place = verdict
            for word in path[:-1]:
                place = place[word]
            place[path[-1]] = value
            self.assertEqual(len(verdict_problems(verdict)), 1, path)


class Schedule(unittest.TestCase):
    def faults(self, seed, chaos=()):
        stats = json.dumps({"chaos": dict.fromkeys(chaos, 1)})
        deployment = types.SimpleNamespace(redis_port=1, phase=lambda words: stats)
        return Faults(deployment, None, random.Random(seed))

    def test_each_fault_comes_where_there_are_rounds_enough(self):
        for seed in range(100):
            for rounds in (1, len(Faults.ALL), len(Faults.ALL) + 3):
                names = self.faults(seed).schedule(rounds)
                self.assertEqual(len(names), rounds)
                self.assertEqual(len(set(names)), min(rounds, len(Faults.ALL)))
        self.assertEqual(self.faults(1).schedule(20), self.faults(1).schedule(20))
        self.assertNotEqual(self.faults(1).schedule(20), self.faults(2).schedule(20))

    def test_what_did_not_happen_is_missing(self):
        faults = self.faults(1, set(HAND) - {"truncate_request"})
        faults.counts.update(set(Faults.ALL) - {"pause_node"})
        self.assertEqual(faults.missing(), ["pause_node", "truncate_request"])
        faults = self.faults(1, HAND)
        faults.counts.update(Faults.ALL)
        self.assertEqual(faults.missing(), [])


class Load(unittest.TestCase):
    def produced(self, seed):
        """Seed and beginning of the ids, of each stream of transfers."""
        streams = []

        def produce(name, region, count, *options):
            streams.append(tuple(
                options[options.index(name) + 1] for name in ("--seed", "--id-prefix")))
            return types.SimpleNamespace(child=types.SimpleNamespace(wait=lambda seconds: 0))
        load(types.SimpleNamespace(seed=seed, produce=produce), 1)
        return streams

    def test_no_two_runs_share_ids_or_amounts(self):
        streams = [stream for seed in range(20) for stream in self.produced(seed)]
        self.assertEqual(len({seed for seed, _ in streams}), len(streams))
        # Ids of one run must not look like those of another.
        for seed in range(20):
            with_prefix = {own for own in range(20) for _, prefix in self.produced(own)
                           if prefix.startswith(live_prefix(seed))}
            self.assertEqual(with_prefix, {seed})


class Answers(unittest.TestCase):
    """How a deployment interprets the answers of its public port."""

    def setUp(self):
        self.deployment = Deployment(["eu-west"])
        self.addCleanup(self.deployment.close)
        server = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        self.deployment.public_port = server.getsockname()[1]
        self.said = b""

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)
                    connection.sendall(self.said)

        threading.Thread(target=serve, daemon=True).start()

    def answer(self, said):
        self.said = said
        return self.deployment.answer()

    def reply(self, status, body):
        return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body

    def test_whole_answers_with_their_status_and_their_digits(self):
        self.assertEqual(
            self.answer(self.reply(200, b'{"total_amount":12.50}')),
            (200, {"total_amount": "12.50"}))
        self.assertEqual(self.deployment.total(), {"total_amount": "12.50"})
        self.assertEqual(
            self.answer(self.reply(503, b'{"title":"no"}')), (503, {"title": "no"}))
        self.assertIsNone(self.deployment.total())
        self.assertEqual(self.answer(self.reply(500, b"oh")), (500, "oh"))

    def test_no_whole_answer_is_none(self):
        whole = self.reply(200, b'{"total_amount":12.50}')
        for said in (b"", b"\x00\x01\r\n\r\n", whole[:-1], whole[:20], b"HTTP/1.1 200 X\r\n" * 500):
            self.assertIsNone(self.answer(said), said)
            self.assertIsNone(self.deployment.total())
            self.assertEqual(self.deployment.reasons(), set())


class Brokers(unittest.TestCase):
    def test_a_region_that_is_none_is_refused(self):
        self.assertEqual(named_brokers(["eu-west=a:1,b:2"], REGIONS), {"eu-west": "a:1,b:2"})
        for pair in ("eu=a:1", "eu-west", "eu-west=", "=a:1"):
            with self.assertRaises(SystemExit):
                named_brokers([pair], REGIONS)


if __name__ == "__main__":
    unittest.main()
