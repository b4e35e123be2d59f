#!/usr/bin/env python3
"""Tests that totals stay exact under faults, with real processes and faults at seeded times.

Under live load, this kills and restarts region nodes, HQ and Redis, pauses a node while another
takes over its partitions, wipes Redis, cuts the connection to HQ, and lets a proxy lose, repeat,
delay, reorder, cut and truncate the messages between regions and HQ. Then the judge, which shares
no code with the product, must find every (region, minute, currency) exact within 30 s of the last
fault.

All transfers are in the window, so the public total can only rise. The test fails if an answer is
lower than an earlier one, or if data_as_of goes backwards, also across restarts of HQ with an
emptied Redis.

Every start of a node and of HQ is recorded. At the end each recording is replayed, and every action
must equal the recorded one, byte for byte; a decision outside the cores would differ.

A run with at least as many rounds as there are faults must have each of them, and each of the
proxy's faults, or it fails.

Ids and amounts depend on the seed: on a standing cluster, each run needs a seed of its own.

    faults.py [--seed N] [--rounds N] [--rate PER_SECOND] [--brokers REGION=HOST:PORT …]
"""
import argparse
import collections
import itertools
import json
import random
import re
import signal
import subprocess
import sys
import time
import urllib.parse

import redis

from deployment import BINARY, Deployment, add_brokers_option, named_brokers, wait_for
from fault_proxy import HAND
from watch import Watch, clock

REGIONS = ["eu-west", "us-east"]
NODES = ["a", "b"]
PARTITIONS = 6
HISTORY = 60_000
CONVERGENCE_SECONDS = 30
# A longer time for the verdict distinguishes slow from wrong.
JUDGE_SECONDS = 60
# The time limit for conditions without a promised time.
PATIENCE_SECONDS = 90


class Faults:
    """The faults by name; each round has one."""

    def __init__(self, deployment, watch, chance):
        self.deployment, self.watch, self.random = deployment, watch, chance
        self.store = redis.Redis(port=deployment.redis_port, socket_timeout=5)
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

    def owners(self, region, since):
        """{partition: the last node that reported it to HQ}, if at or after `since`."""
        owners = {}
        try:
            standings = self.store.hgetall(f"liveness:{region}")
        except redis.RedisError:
            return owners
        for field, text in standings.items():
            words = text.decode().split(" ")
            if len(words) == 10 and int(words[1]) >= since * 1_000:
                owners[field.decode()] = urllib.parse.unquote(words[9])
        return owners

    def pause_node(self):
        """The other node takes over all partitions of this one; then the zombie wakes and gets its
        share again."""
        region, (name, other) = self.random.choice(REGIONS), self.random.sample(NODES, 2)
        node = self.deployment.node(region, name)
        both = {node.name, self.deployment.node(region, other).name}
        began = time.time()
        wait_for(f"both nodes of {region} have partitions", lambda: (
            set((owners := self.owners(region, began)).values()) == both
            and len(owners) == PARTITIONS), PATIENCE_SECONDS)
        node.signal(signal.SIGSTOP)
        paused = time.time()
        wait_for(f"{other} of {region} has all partitions", lambda: (
            list(self.owners(region, paused).values())
            == [f"{region}-{other}"] * PARTITIONS), PATIENCE_SECONDS)
        said = len(node.said("partitions taken over"))
        resumed = time.time()
        node.signal(signal.SIGCONT)
        wait_for(f"{node.name} is given partitions again", lambda: (
            len(node.said("partitions taken over")) > said
            and node.name in self.owners(region, resumed).values()), PATIENCE_SECONDS)

    def kill_hq(self):
        """Also while it shows lost data of the store: it continues from its state file."""
        self.deployment.processes["hq"].kill()
        time.sleep(self.random.uniform(0, 3))
        self.deployment.processes["hq"].start()

    def kill_redis(self):
        process = self.deployment.processes["redis"]
        process.kill()
        time.sleep(self.random.uniform(0, 2))
        process.start()

    def wipe_redis(self):
        def flushed():
            try:
                return self.store.flushall()
            except redis.RedisError:
                return False
        wait_for("Redis executes FLUSHALL", flushed, PATIENCE_SECONDS)

    def cut_hq(self):
        self.deployment.phase("down")
        time.sleep(self.random.uniform(3, 7))
        self.deployment.phase("chaos")

    def wipe_while_cut(self):
        """No node can refill the lost data: HQ serves the last good total with the reason."""
        wait_for("a total that is not degraded", lambda: (
            (body := self.deployment.total()) and not body["is_degraded"]), PATIENCE_SECONDS)
        self.deployment.phase("down")
        self.wipe_redis()
        wait_for("HQ says that its store is refilling", lambda: (
            "store_refilling" in self.deployment.reasons()), PATIENCE_SECONDS)
        before = self.watch.degraded
        wait_for("a degraded total", lambda: self.watch.degraded > before, PATIENCE_SECONDS)
        self.deployment.phase("chaos")

    def lose_hq_and_redis(self):
        """HQ restarts with an empty Redis, and must know that it is recovering."""
        self.deployment.processes["hq"].kill()
        self.wipe_redis()
        self.deployment.processes["hq"].start()

    ALL = ["kill_node", "kill_both_nodes", "pause_node", "kill_hq", "kill_redis", "wipe_redis",
           "cut_hq", "wipe_while_cut", "lose_hq_and_redis"]

    def schedule(self, rounds):
        """Each fault at least once if there are enough rounds, then random ones."""
        names = self.random.sample(self.ALL, min(rounds, len(self.ALL)))
        names += self.random.choices(self.ALL, k=rounds - len(names))
        self.random.shuffle(names)
        return names

    def run(self, rounds):
        for name in self.schedule(rounds):
            time.sleep(self.random.uniform(0.5, 3))
            began = time.monotonic()
            getattr(self, name)()
            self.counts[name] += 1
            answers = self.watch.answers
            wait_for(f"HQ answers after {name}", lambda before=answers: (
                self.watch.answers > before or not self.watch.is_alive()), PATIENCE_SECONDS)
            print(f"  {clock()} {name} {time.monotonic() - began:.1f} s", flush=True)
        if rounds >= len(self.ALL):
            wait_for("each fault of the proxy", lambda: not self.missing(), PATIENCE_SECONDS)

    def missing(self):
        """The faults that have not happened yet."""
        met = json.loads(self.deployment.phase("stats"))["chaos"]
        return sorted((set(self.ALL) | set(HAND)) - self.counts.keys() - met.keys())


def live_prefix(seed):
    """What the ids of a run's live transfers begin with. A standing cluster keeps those of earlier
    runs: with the same beginnings, they could hide that this run's were lost."""
    return f"live_{seed}_"


def load(deployment, rate):
    """Two hours of history, then live transfers at `rate` until stopped. Ids and amounts are the
    seed's own."""
    seed = deployment.seed
    shares = ["--late", "0.1%", "--malformed", "0.2%", "--conflicts", "0.05%", "--envelopes",
              "0.5%", "--outbox", "0.5%"]
    streams = {(kind, region): seed * 2 * len(REGIONS) + number for number, (kind, region)
               in enumerate(itertools.product(("history", "live"), REGIONS))}
    history = [deployment.produce(
        f"history-{region}", region, HISTORY, "--duration", "2h", "--start", "now-2h", "--seed",
        streams["history", region], "--id-prefix", f"day_{seed}_", *shares) for region in REGIONS]
    for producer in history:
        assert producer.child.wait(120) == 0, producer.tail()
    return [deployment.produce(
        f"live-{region}", region, 1_000_000, "--rate", rate, "--seed", streams["live", region],
        "--id-prefix", live_prefix(seed), *shares) for region in REGIONS]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--rate", type=int, default=200)
    add_brokers_option(parser)
    options = parser.parse_args()
    brokers = named_brokers(options.brokers, REGIONS)
    print(f"seed {options.seed}", flush=True)
    with Deployment(REGIONS, brokers, options.seed, records=True) as deployment:
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
        (body := deployment.total()) and not body["is_degraded"]), PATIENCE_SECONDS)
    watch = Watch(deployment)
    watch.start()
    # It reads the past now, so that its own speed is no part of how fast HQ agrees.
    judge = deployment.judge("--wait", JUDGE_SECONDS, "--ids", live_prefix(options.seed))
    deployment.phase("chaos")
    faults = Faults(deployment, watch, random.Random(options.seed))
    faults.run(options.rounds)
    deployment.phase("calm")
    last_fault = time.time()
    problems = [
        f"{name} ended by itself:\n{process.tail()}"
        for name, process in deployment.processes.items()
        if not process.is_running and not name.startswith("producer-history")]
    for producer in live:
        producer.kill()
    verdict = judge.verdict(last_fault)
    problems += watch.end()
    problems += verdict_problems(verdict)
    if options.rounds >= len(Faults.ALL) and faults.missing():
        problems.append(f"these faults did not happen: {faults.missing()}")
    report(verdict, watch, faults)
    problems += [
        f"{name} did not stop cleanly:\n{process.tail()}"
        for name, process in deployment.processes.items()
        if name.startswith((*REGIONS, "hq")) and process.stop() != 0]
    problems += replay_problems(deployment)
    for problem in problems:
        print(f"FAILED (seed {options.seed}): {problem}", file=sys.stderr)
    return 1 if problems else 0


def replay_problems(deployment):
    """Replays every recording. Returns why this does not prove that only the cores decided."""
    recordings = deployment.recordings()
    starts = sum(len(process.recordings or []) for process in deployment.processes.values())
    replay = subprocess.run(
        [BINARY, "simulate", "--replay", *recordings], capture_output=True, text=True, timeout=300)
    lines = replay.stdout.splitlines()
    kinds = collections.Counter(
        kind for line in lines for kind in ("node", "rounds") if f": {kind}, " in line)
    events = sum(int(re.search(r", (\d+) events", line)[1]) for line in lines if " events" in line)
    print(f"replayed {len(recordings)} recordings of {starts} starts ({dict(kinds)}): "
          f"{events} events", flush=True)
    if replay.returncode != 0:
        return [f"the replay: {replay.stdout[-2_000:]}{replay.stderr[-2_000:]}"]
    missing = [kind for kind in ("node", "rounds") if not kinds[kind]]
    return [f"nothing was replayed of {missing}"] if missing or not events else []


def verdict_problems(verdict):
    """Why the verdict is not exact, in time and about at least some transfers."""
    if verdict["verdict"] != "exact":
        return [f"the judge: {json.dumps(verdict)}"]
    problems = []
    if verdict["waited_seconds"] > CONVERGENCE_SECONDS:
        problems.append(
            f"exact only {verdict['waited_seconds']} s after the last fault, not within "
            f"{CONVERGENCE_SECONDS} s")
    for region in REGIONS:
        if verdict["outcomes"][region]["consumed"] <= HISTORY:
            problems.append(f"{region}: no more than its history was read")
        if not sum(verdict["ids"][region].values()):
            problems.append(f"{region}: no live transfer was judged")
    if not verdict["compared"]["buckets"]:
        problems.append("no bucket was compared")
    return problems


def report(verdict, watch, faults):
    print(json.dumps({
        "verdict": verdict["verdict"], "seconds_to_exact": verdict.get("waited_seconds"),
        "records": verdict.get("records"), "live": verdict.get("ids"),
        "compared": verdict.get("compared"), "api": watch.statuses, "degraded": watch.degraded,
        "unanswered": watch.missed, "dips": len(watch.dips), "faults": faults.counts,
        "proxy": json.loads(faults.deployment.phase("stats")),
    }), flush=True)


if __name__ == "__main__":
    sys.exit(main())
