#!/usr/bin/env python3
"""Exact under faults: real processes, a real Redis, and faults at seeded times.

Under live load this kills and restarts region nodes, HQ and Redis, pauses a node while another
takes over its partitions, wipes Redis, cuts the way to HQ, and lets a proxy lose, repeat, delay,
reorder and cut what regions and HQ say to each other. Then the judge, which shares no code with
the product, must find every (region, minute, currency) exact within 30 s of the last fault.

All transfers lie within the window, so the public total can only rise: any answer that is lower
than one before is a dip, and fails the test, as does a data_as_of that runs backwards. Both hold
across restarts of HQ, also beside an emptied Redis.

    faults.py [--seed N] [--rounds N] [--rate PER_SECOND] [--brokers REGION=HOST:PORT …]
"""
import argparse
import collections
import decimal
import json
import random
import signal
import subprocess
import sys
import threading
import time

from deployment import Deployment, wait_for

REGIONS = ["eu-west", "us-east"]
NODES = ["a", "b"]
CONVERGENCE_SECONDS = 30


class Watch(threading.Thread):
    """Reads the public total ten times a second and keeps what must never happen."""

    def __init__(self, deployment):
        super().__init__(daemon=True)
        self.deployment, self.is_over = deployment, threading.Event()
        self.answers = self.degraded = self.missed = 0
        self.highest, self.dips, self.backwards = None, [], []
        self.as_of = ""

    def run(self):
        while not self.is_over.wait(0.1):
            body = self.deployment.total()
            if body is None:
                self.missed += 1
                continue
            self.answers += 1
            self.degraded += body["is_degraded"]
            amount = decimal.Decimal(body["total_amount"])
            if self.highest is not None and amount < self.highest:
                self.dips.append(
                    f"{time.strftime('%H:%M:%S')} {self.highest} to {amount}, "
                    f"degraded {body['is_degraded']}")
            self.highest = amount if self.highest is None else max(self.highest, amount)
            if body["data_as_of"] < self.as_of:
                self.backwards.append(f"{self.as_of} to {body['data_as_of']}")
            self.as_of = max(self.as_of, body["data_as_of"])


class Faults:
    """The faults, each by name; a round draws one."""

    def __init__(self, deployment, chance):
        self.deployment, self.random = deployment, chance
        self.counts = collections.Counter()

    def some_node(self):
        return self.deployment.node(self.random.choice(REGIONS), self.random.choice(NODES))

    def kill_node(self):
        node = self.some_node()
        node.kill()
        time.sleep(self.random.uniform(0, 3))
        node.start()

    def kill_both_nodes(self):
        region = self.random.choice(REGIONS)
        nodes = [self.deployment.node(region, name) for name in NODES]
        for node in nodes:
            node.kill()
        for node in nodes:
            node.start()

    def pause_node(self):
        """Longer than the group waits: the other node takes over, then the zombie wakes."""
        node = self.some_node()
        node.signal(signal.SIGSTOP)
        time.sleep(self.random.uniform(8, 10))
        node.signal(signal.SIGCONT)

    def kill_hq(self):
        """Also while it shows what a store has lost: it goes on from its state file."""
        self.deployment.processes["hq"].kill()
        time.sleep(self.random.uniform(0, 3))
        self.deployment.processes["hq"].start()
        wait_for("HQ answers", self.deployment.total, 20)

    def kill_redis(self):
        redis = self.deployment.processes["redis"]
        redis.kill()
        time.sleep(self.random.uniform(0, 2))
        redis.start()

    def wipe_redis(self):
        def flushed():
            done = subprocess.run(
                ["redis-cli", "-p", str(self.deployment.redis_port), "FLUSHALL"],
                capture_output=True, text=True, check=False)
            return done.stdout.strip() == "OK"
        wait_for("Redis takes FLUSHALL", flushed, 10)

    def cut_hq(self):
        self.deployment.phase("down")
        time.sleep(self.random.uniform(3, 7))
        self.deployment.phase("chaos")

    def lose_hq_and_redis(self):
        """HQ comes back beside an empty Redis, and must know that it is recovering."""
        self.deployment.processes["hq"].kill()
        self.wipe_redis()
        self.deployment.processes["hq"].start()
        wait_for("HQ answers", self.deployment.total, 20)

    ALL = ["kill_node", "kill_both_nodes", "pause_node", "kill_hq", "kill_redis", "wipe_redis",
           "cut_hq", "lose_hq_and_redis"]

    def run(self, rounds):
        # Each at least once, then as chance has it.
        names = self.ALL + self.random.choices(self.ALL, k=max(0, rounds - len(self.ALL)))
        self.random.shuffle(names)
        for name in names:
            time.sleep(self.random.uniform(0.5, 3))
            began = time.monotonic()
            getattr(self, name)()
            self.counts[name] += 1
            print(f"  {time.strftime('%H:%M:%S')} {name} {time.monotonic() - began:.1f} s",
                  flush=True)


def load(deployment, rate):
    """Two hours of history, then live transfers at `rate` until stopped."""
    shares = ["--late", "0.1%", "--malformed", "0.2%", "--conflicts", "0.05%", "--envelopes",
              "0.5%", "--outbox", "0.5%"]
    history = [deployment.produce(
        f"history-{region}", region, 60_000, "--duration", "2h", "--start", "now-2h", "--seed",
        index + 10, "--id-prefix", "day_", *shares) for index, region in enumerate(REGIONS)]
    for producer in history:
        assert producer.child.wait(120) == 0, producer.tail()
    return [deployment.produce(
        f"live-{region}", region, 1_000_000, "--rate", rate, "--seed", index + 20, "--id-prefix",
        "live_", *shares) for index, region in enumerate(REGIONS)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--brokers", action="append", default=[], metavar="REGION=HOST:PORT")
    options = parser.parse_args()
    brokers = dict(pair.split("=", 1) for pair in options.brokers)
    print(f"seed {options.seed}", flush=True)
    with Deployment(REGIONS, brokers, options.seed) as deployment:
        try:
            return run(deployment, options)
        except BaseException:
            print(deployment.logs(), file=sys.stderr)
            raise


def run(deployment, options):
    deployment.processes["hq"].start()
    for region in REGIONS:
        for name in NODES:
            deployment.node(region, name).start()
    live = load(deployment, options.rate)
    wait_for("HQ is up to date", lambda: (
        (body := deployment.total()) and not body["is_degraded"]), 90)
    watch = Watch(deployment)
    watch.start()
    deployment.phase("chaos")
    faults = Faults(deployment, random.Random(options.seed))
    faults.run(options.rounds)
    deployment.phase("calm")
    ended = time.monotonic()
    for producer in live:
        producer.kill()
    verdict = deployment.judge(
        "--wait", CONVERGENCE_SECONDS, "--api", f"http://127.0.0.1:{deployment.public_port}",
        "--rates", deployment.folder / "rates.json")
    agreed = time.monotonic() - ended
    watch.is_over.set()
    watch.join()
    proxy = deployment.phase("stats")
    report(verdict, agreed, watch, faults, proxy)
    problems = []
    if verdict["verdict"] != "exact":
        problems.append(f"the judge: {json.dumps(verdict)}")
    if watch.dips:
        problems.append(f"the total fell {len(watch.dips)} times: {watch.dips[:5]}")
    if watch.backwards:
        problems.append(f"data_as_of ran backwards: {watch.backwards[:5]}")
    if watch.answers < 100:
        problems.append(f"only {watch.answers} answers of the API")
    for name, node in deployment.processes.items():
        if not name.startswith("producer") and not node.is_running:
            problems.append(f"{name} ended by itself:\n{node.tail()}")
    for problem in problems:
        print(f"FAILED (seed {options.seed}): {problem}", file=sys.stderr)
    if problems:
        return 1
    for name, node in deployment.processes.items():
        if name.startswith(tuple(REGIONS)) or name == "hq":
            assert node.stop() == 0, f"{name} did not stop cleanly:\n{node.tail()}"
    return 0


def report(verdict, agreed, watch, faults, proxy):
    print(json.dumps({
        "verdict": verdict["verdict"], "seconds_to_verdict": round(agreed, 1),
        "api_answers": watch.answers, "degraded": watch.degraded, "unanswered": watch.missed,
        "dips": len(watch.dips), "faults": dict(faults.counts), "proxy": proxy.strip(),
    }), flush=True)


if __name__ == "__main__":
    sys.exit(main())
