#!/usr/bin/env python3
"""Tests an upgrade under load, from another build to this one.

Stops HQ and starts it from the new build, then does the same with the nodes of one region after
another, as in the release notes. The total must not fall, data_as_of must not go backwards, HQ must
answer from its state file at once, and within 30 s of the last step the judge must find every
(region, minute, currency) exact.

If the old build does not know a top-level key of the topology, `--without KEY` removes it while the
old build runs.

    upgrade.py --old PATH/TO/tributary [--without KEY …] [--seed N] [--brokers REGION=HOST:PORT …]
"""
import argparse
import pathlib
import random
import re
import sys
import time

from deployment import BINARY, Deployment, add_brokers_option, named_brokers, wait_for
from faults import (
    JUDGE_SECONDS, NODES, PATIENCE_SECONDS, REGIONS, live_prefix, load, verdict_problems)
from watch import Watch, clock

SETTLED_SECONDS = 5


class Upgrade:
    def __init__(self, deployment, old, left_out):
        self.deployment, self.old = deployment, str(old)
        self.topology = deployment.topology.read_text()
        text = self.topology
        for key in left_out:
            # Together with the lines indented below it.
            text, count = re.subn(rf"(?m)^{re.escape(key)}:.*\n(?:[ -].*\n)*", "", text)
            assert count == 1, f"topology.yaml has no {key}"
        deployment.topology.write_text(text)

    def run_old(self, process):
        process.command[0] = self.old
        process.start()

    def run_new(self, process):
        assert process.stop() == 0, f"{process.name} did not stop cleanly:\n{process.tail()}"
        process.command[0] = str(BINARY)
        process.start()

    def settled(self, what):
        """Waits until the total was not degraded for some seconds."""
        since = None

        def is_settled():
            nonlocal since
            body = self.deployment.total()
            if not body or body["is_degraded"]:
                since = None
            elif since is None:
                since = time.monotonic()
            return since is not None and time.monotonic() - since >= SETTLED_SECONDS
        try:
            wait_for(what, is_settled, PATIENCE_SECONDS)
        except TimeoutError as error:
            raise AssertionError(f"{error}: {self.deployment.reasons()}") from None
        print(f"  {clock()} {what}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--old", type=pathlib.Path, required=True)
    parser.add_argument("--without", action="append", default=[], metavar="KEY")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--rate", type=int, default=200)
    add_brokers_option(parser)
    options = parser.parse_args()
    brokers = named_brokers(options.brokers, REGIONS)
    print(f"seed {options.seed}", flush=True)
    with Deployment(REGIONS, brokers, options.seed) as deployment:
        try:
            return run(deployment, options)
        except BaseException:
            print(deployment.logs(), file=sys.stderr)
            raise


def run(deployment, options):
    upgrade = Upgrade(deployment, options.old.resolve(), options.without)
    hq = deployment.processes["hq"]
    nodes = [deployment.node(region, name) for region in REGIONS for name in NODES]
    for process in [hq, *nodes]:
        upgrade.run_old(process)
    live = load(deployment, options.rate)
    upgrade.settled("the old build shows a whole total")
    watch = Watch(deployment)
    watch.start()
    judge = deployment.judge("--wait", JUDGE_SECONDS, "--ids", live_prefix(options.seed))
    deployment.topology.write_text(upgrade.topology)
    upgrade.run_new(hq)
    answers = watch.answers
    wait_for("the new HQ answers", lambda: watch.answers > answers, PATIENCE_SECONDS)
    for region in REGIONS:
        for name in NODES:
            upgrade.run_new(deployment.node(region, name))
        print(f"  {clock()} the nodes of {region} are new", flush=True)
    upgrade.settled("the new build shows a whole total")
    last_step = time.time()
    for producer in live:
        producer.kill()
    verdict = judge.verdict(last_step)
    problems = watch.end() + verdict_problems(verdict)
    print(f"{verdict['verdict']} after {verdict.get('waited_seconds')} s, {watch.answers} answers, "
          f"{watch.degraded} degraded, {watch.missed} unanswered, {len(watch.dips)} dips",
          flush=True)
    for problem in problems:
        print(f"FAILED: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
