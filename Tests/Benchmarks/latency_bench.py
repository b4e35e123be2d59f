#!/usr/bin/env python3
"""Measures a transfer's age when a viewer sees it, at 1,200 transfers a second in three regions.

    latency_bench.py [--seconds N] [--rate PER_SECOND] [--starts N] [--no-goals]
                     [--brokers REGION=HOST:PORT …]

Uses real processes: brokers, region nodes, Redis, headquarters. Among small transfers it sends
probes whose amounts are powers of ten, one power for each region. The digits of the public total
then count the probes of each region, so each event of the live stream shows which probes are new.

Prints for each start the time to a total, and the 50th and 99th percentile of produced-to-event and
of committed-in-Redis-to-event. Exit status 1 above a goal. With --no-goals, it only prints times;
each start must still reach a total and end exact.
"""
import argparse
import datetime
import json
import pathlib
import random
import socket
import sys
import threading
import time

import confluent_kafka
import redis

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "System"))
from deployment import Deployment, add_brokers_option, named_brokers, wait_for  # noqa: E402

REGIONS = ["eu-west", "us-east", "ap-south"]
GOALS = {"produced to event": 1.0, "committed to event": 0.8}
START_GOAL = 15.0
START_SECONDS_MAX = 60
# The stream's events, plus one for the edges of the measurement.
EVENTS_PER_SECOND = 2
# In cents. All small transfers of a run together are less than the first probe's amount.
SMALL_MAX = 99
PROBES = [10**7, 10**10, 10**13]
PROBES_PER_SECOND = 5


class Stream(threading.Thread):
    """One viewer: records the time and the total of each event."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.connection = socket.create_connection(("127.0.0.1", port), 10)
        self.connection.sendall(
            b"GET /v1/metrics/money-moved/stream?base_currency=USD HTTP/1.1\r\nHost: a\r\n\r\n")
        self.events = []

    def run(self):
        version = None
        for line in self.connection.makefile():
            arrived = time.monotonic()
            if line.startswith("id:"):
                version = int(line.strip().rpartition(".")[2])
            elif line.startswith("data:"):
                body = json.loads(line[5:], parse_float=str)
                cents = int(str(body["total_amount"]).replace(".", ""))
                self.events.append((arrived, version, cents))


class Versions(threading.Thread):
    """Records when each version of the store was first seen."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.store = redis.Redis(port=port)
        self.seen = {}

    def run(self):
        last = 0
        while True:
            try:
                version = int(self.store.hget("store", "version") or 0)
            except redis.ConnectionError:
                return  # The deployment has ended.
            now = time.monotonic()
            for fresh in range(last + 1, version + 1):
                self.seen[fresh] = now
            last = max(last, version)
            time.sleep(0.002)


def produce(deployment, seconds, rate):
    """When each probe was handed to Kafka, by region."""
    producers = [confluent_kafka.Producer({
        "bootstrap.servers": deployment.brokers[region], "linger.ms": 5,
        "compression.type": "zstd"}) for region in REGIONS]
    # Numbers differ between runs only to make ids different.
    prefix = f"latency-{time.time_ns()}"
    sent = [[] for _ in REGIONS]
    begun, number = time.monotonic(), 0
    every = rate // (PROBES_PER_SECOND * len(REGIONS))
    while time.monotonic() - begun < seconds:
        due = begun + number / rate
        time.sleep(max(0.0, due - time.monotonic()))
        index = number % len(REGIONS)
        is_probe = number // len(REGIONS) % every == 0
        amount = PROBES[index] if is_probe else random.randint(1, SMALL_MAX)
        settled = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        key = f"{prefix}-{number}"
        value = json.dumps({
            "transfer_id": key, "currency": "USD", "amount_minor_units": amount,
            "settled_at_utc": settled}, separators=(",", ":"))
        if is_probe:
            sent[index].append(time.monotonic())
        producers[index].produce("transaction.settled", key=key, value=value)
        producers[index].poll(0)
        number += 1
    for producer in producers:
        producer.flush(10)
    return sent, number


def counts(cents):
    """The number of each region's probes in a total."""
    found = []
    for index, amount in enumerate(PROBES):
        above = PROBES[index + 1] if index + 1 < len(PROBES) else None
        found.append((cents % above if above else cents) // amount)
    return found


def ages(events, sent, seen):
    """For each probe and version, the time until the first event that contains it."""
    probes, versions = [], []
    known, last = [0] * len(REGIONS), None
    for arrived, version, cents in events:
        for index, count in enumerate(counts(cents)):
            probes += [arrived - at for at in sent[index][known[index]:count]]
            known[index] = count
        if last is not None:
            versions += [arrived - seen[v] for v in range(last + 1, version + 1) if v in seen]
        last = version
    missing = sum(map(len, sent)) - len(probes)
    return {"produced to event": probes, "committed to event": versions}, missing


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure(options):
    """One start: the seconds to a total, the measured ages, and missed goals."""
    with Deployment(REGIONS, named_brokers(options.brokers, REGIONS)) as deployment:
        begun = time.monotonic()
        deployment.processes["hq"].start()
        for region in REGIONS:
            deployment.node(region, "a").start()
        try:
            wait_for("a total of all regions",
                     lambda: (deployment.total() or {}).get("is_degraded") is False,
                     START_SECONDS_MAX)
        except TimeoutError as error:
            raise SystemExit(
                f"{error}; degraded by {deployment.reasons()}\n{deployment.logs()}") from None
        starting = time.monotonic() - begun
        versions = Versions(deployment.redis_port)
        versions.start()
        stream = Stream(deployment.public_port)
        stream.start()
        sent, number = produce(deployment, options.seconds, options.rate)
        wait_for("the last probe in an event", lambda: stream.events and counts(
            stream.events[-1][2]) == [len(of_region) for of_region in sent], 20)
        measured, missing = ages(stream.events, sent, versions.seen)
        verdict = deployment.judge("--wait", 120).verdict()
        assert verdict["verdict"] == "exact", verdict
        # The first event is the total on connecting.
        events = [arrived for arrived, _, _ in stream.events[1:]]
        allowed = (events[-1] - events[0]) * EVENTS_PER_SECOND + 1
        assert len(events) <= allowed + 1, f"{len(events)} events, {allowed:.0f} are allowed"
    print(f"a total after {starting:.1f} s; {number} transfers in {options.seconds} s, "
          f"{len(stream.events)} events, {sum(map(len, sent))} probes, {missing} never seen")
    return starting, measured, missing


def report(options, starting, measured, missing):
    """Prints the measurements. Returns whether a goal was missed."""
    missed = missing > 0
    if starting > START_GOAL:
        print(f"a total after more than {START_GOAL} s: MISSED")
        missed |= not options.no_goals
    for name, goal in GOALS.items():
        values = measured[name]
        median, high = percentile(values, 0.5), percentile(values, 0.99)
        verdict = "reached" if high <= goal else "MISSED"
        missed |= high > goal and not options.no_goals
        print(f"{name:20} p50 {median:.3f} s  p99 {high:.3f} s  goal {goal} s: {verdict}",
              flush=True)
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--rate", type=int, default=1_200)
    parser.add_argument("--starts", type=int, default=1)
    parser.add_argument("--no-goals", action="store_true")
    add_brokers_option(parser)
    options = parser.parse_args()
    assert options.seconds * options.rate * SMALL_MAX < PROBES[0], "the small ones would be seen"
    missed, slowest, highest = 0, 0.0, 0.0
    for _ in range(options.starts):
        starting, measured, missing = measure(options)
        missed += report(options, starting, measured, missing)
        slowest = max(slowest, starting)
        highest = max(highest, percentile(measured["produced to event"], 0.99))
    print(f"{options.starts - missed} of {options.starts} starts as they should be; the slowest "
          f"took {slowest:.1f} s to a total, the highest p99 from produced to event was "
          f"{highest:.3f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
