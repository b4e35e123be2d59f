#!/usr/bin/env python3
"""Attacks headquarters: it must serve other clients, bound its memory, and recover by itself.

Runs a real `tributary hq` with a real Redis and a node of one region that pushes live transfers.
Attacks it with hostile clients, overwrites keys in Redis, limits open files, and makes Redis a
replica. In each scenario a viewer must be answered within 1 s, the region's commits must continue,
HQ's memory must grow by less than 300 MB, and no unlabelled answer may be wrong. Within 30 s of the
end the total must be exact and unlabelled, compared with a sum over the region's topic that shares
no code with HQ. Prints a line per scenario; the exit status is 1 if anything is not shown.

    hostile.py --only flood --only keys --seed 7
"""
import argparse
import datetime
import random
import re
import signal
import sys
import time
from decimal import Decimal

from scene import HEAL_SECONDS, Scene, Stream, wait_for
from spoiling import KINDS, spoil_fixed, spoil_minutes

SERVED_SECONDS = 1.0
# A node with live transfers pushes every half second.
COMMIT_SECONDS = SERVED_SECONDS + 0.5
# A stream has an event each second.
EVENT_SECONDS = SERVED_SECONDS + 1.5
MEMORY_MAX = 300 << 20
LOG_LINES_MAX = 20
SECONDS_MAX = 240


class Trial:
    """One scenario: its observations since the start, and the failed checks."""

    def __init__(self, scene, options, rate=100):
        self.scene, self.options, self.problems, self.figures = scene, options, [], []
        self.producer = scene.live(rate)
        wait_for("commits of live transfers", lambda: (
            scene.commits.gap(time.time() - 2, time.time()) < COMMIT_SECONDS), 20)
        self.mark()

    def mark(self):
        self.began, self.log_mark = time.time(), self.scene.hq.log.stat().st_size
        self.memory = self.resident("VmRSS")
        # Resets the kernel's record of peak memory.
        with open(f"/proc/{self.scene.hq.child.pid}/clear_refs", "w") as file:
            file.write("5")

    def fail(self, text):
        self.problems.append(text)

    def show(self, text):
        self.figures.append(text)

    def check(self, is_so, text):
        if not is_so:
            self.fail(text)

    def resident(self, name):
        with open(f"/proc/{self.scene.hq.child.pid}/status") as file:
            return int(re.search(rf"{name}:\s+(\d+) kB", file.read())[1]) << 10

    def end_production(self):
        self.producer.kill()
        self.ended = time.time()

    def said(self):
        """The lines of HQ's log since the scenario began."""
        return self.scene.hq.log.read_bytes()[self.log_mark:].decode(errors="replace").splitlines()

    def looks(self, until):
        return [look for look in self.scene.viewer.looks if self.began <= look.begun <= until]

    @staticmethod
    def moment(look):
        return datetime.datetime.fromisoformat(look.as_of).timestamp()

    def is_right(self, look):
        """Whether an answer is unlabelled and lies between the least and the most it may be."""
        if not look.is_total or look.degraded:
            return False
        return not self.wrong(look)

    def wrong(self, look):
        least = self.scene.truth.least(self.moment(look))
        most = self.scene.truth.most(look.begun + look.seconds)
        return ((least is not None and look.amount < least)
                or (most is not None and look.amount > most))

    def check_answers(self):
        looks = [look for look in self.looks(time.time()) if look.is_total]
        wrong = [look for look in looks if not look.degraded and self.wrong(look)]
        if wrong:
            look = wrong[0]
            self.fail(
                f"{len(wrong)} answers without a label are wrong; the first at "
                f"{look.begun - self.began:.1f} s: {look.amount} with data_as_of {look.as_of}, "
                f"expected from {self.scene.truth.least(self.moment(look))} to "
                f"{self.scene.truth.most(look.begun + look.seconds)}")
        highest, dips = Decimal(0), 0
        for look in looks:
            dips += look.amount < highest
            highest = max(highest, look.amount)
        if dips:
            self.show(f"{dips} lower answers")
        self.show(f"{sum(look.degraded for look in looks)} of {len(looks)} answers labelled")

    def check_served(self, until):
        """Checks viewers and commits from the beginning until then."""
        looks = self.looks(until)
        slowest = max(look.seconds for look in looks)
        refused = [look.status for look in looks if look.status != 200]
        gap = self.scene.commits.gap(self.began, until)
        self.show(f"slowest answer {slowest:.2f} s, longest without a commit {gap:.1f} s")
        self.check(not refused, f"{len(refused)} of {len(looks)} viewers were answered {refused}")
        self.check(slowest <= SERVED_SECONDS, f"a viewer waited {slowest:.2f} s")
        self.check(gap <= COMMIT_SECONDS, f"no commit for {gap:.1f} s")

    def check_log(self, lines_max=LOG_LINES_MAX):
        lines = self.said()
        lost = [line for line in lines if "Redis is unavailable" in line]
        self.check(not lost, f"{len(lost)} lines say that the store is lost: {lost[:2]}")
        self.check(len(lines) <= lines_max, f"{len(lines)} lines in the log: {lines[-3:]}")
        self.show(f"{len(lines)} log lines")

    def finish(self, also=lambda: True):
        """Ends production, waits for the exact total, and makes the final checks."""
        if self.producer.is_running:
            self.end_production()
        seconds = self.scene.exact(self.ended, HEAL_SECONDS, also)
        if seconds is None:
            look = self.scene.viewer.looks[-1]
            self.fail(
                f"not exact within {HEAL_SECONDS} s: status {look.status}, expected "
                f"{self.scene.truth.most(self.ended)}, found {getattr(look, 'amount', None)}, "
                f"reasons {self.scene.reasons()}, differences {self.scene.differences()[:3]}")
        else:
            self.show(f"exact {seconds:.1f} s after")
        self.check_answers()
        grown = self.resident("VmHWM") - self.memory
        self.show(f"memory +{max(0, grown) >> 20} MB")
        self.check(grown < MEMORY_MAX, f"memory grew by {grown >> 20} MB")
        self.check(self.scene.hq.is_running, "HQ ended")


def slow(scene, options):
    """Incomplete headers and bodies, on ingest."""
    trial = Trial(scene, options)
    done = scene.attack("slow-ingest", "--ingest", scene.ingest_port,
                        seconds=9)
    trial.check_served(time.time())
    trial.check_log()
    counts = done["counts"]
    for kind, least in {"half head": 1_100, "trickling head": 1_100, "trickling body": 200,
                        "stopped body": 64}.items():
        ended = counts.get(f"{kind} ended", 0)
        trial.show(f"{kind} {ended} disconnected")
        trial.check(ended >= least, f"{kind}: only {ended} were disconnected")
    # A header must be complete within 5 s; bodies are checked every 5 s.
    trial.check(done["held"] < 8, f"a client was held for {done['held']} s")
    return trial


def bodies(scene, options):
    """Bodies of 4 MiB without their last byte, on ingest."""
    trial = Trial(scene, options)
    done = scene.attack("full-bodies", "--ingest", scene.ingest_port,
                        seconds=4 if options.brief else 6)
    trial.check_served(time.time())
    trial.check_log()
    trial.show(f"{done['counts'].get('body but a byte connected', 0)} bodies but a byte")
    return trial


def flood(scene, options):
    """300 readers of shards and of readiness, on ingest."""
    trial = Trial(scene, options)
    done = scene.attack("flood", "--ingest", scene.ingest_port,
                        seconds=5 if options.brief else 10)
    trial.check_served(time.time())
    trial.check_log()
    statuses = {key: count for key, count in done["counts"].items() if key[-1].isdigit()}
    trial.show(f"{statuses}")
    trial.check(statuses.get("shards 200", 0) > 0, "no reader was served")
    trial.check(all(key.endswith((" 200", " 503")) for key in statuses), f"{statuses}")
    return trial


def shards(scene, options):
    """Requests with 1,024 malformed shards each."""
    trial = Trial(scene, options)
    done = scene.attack("bad-shards", "--ingest", scene.ingest_port, seconds=3)
    trial.check_served(time.time())
    trial.check_log()
    warnings = sum("shards refused" in line for line in trial.said())
    counts = done["counts"]
    trial.show(f"{counts.get('refused', 0)} shards refused in {warnings} warnings")
    trial.check(counts.get("status 200") == 50 and counts.get("refused") == 50 * 1_024,
                f"{counts}: {done['sample']}")
    trial.check(1 <= warnings <= 5, f"{warnings} warnings of refused shards")
    return trial


def public(scene, options):
    """Slow, idle and malformed clients of the public interface."""
    trial = Trial(scene, options)
    stream = Stream(scene)
    stream.start()
    done = scene.attack("public", "--public", scene.public_port,
                        seconds=6 if options.brief else 8)
    until = time.time()
    trial.check_served(until)
    trial.check_log()
    times = [trial.began, *stream.events, until]
    gap = max(after - before for before, after in zip(times, times[1:]))
    stream.is_over.set()
    counts = done["counts"]
    trial.show(f"{len(stream.events)} events, longest without one {gap:.1f} s, "
               f"{counts.get('encoding 200', 0)} spellings, "
               f"{counts.get('idle connected', 0)} idle")
    trial.check(gap <= EVENT_SECONDS, f"the stream had no event for {gap:.1f} s")
    answered = {key for key in counts if key.startswith(("encoding", "pipelined"))
                and key[-1].isdigit()}
    trial.check(answered == {"encoding 200", "pipelined 200", "pipelined 400"},
                f"answers: {counts}")
    huge = {key for key in counts if re.fullmatch(r"huge head \d+", key)}
    trial.check(huge <= {"huge head 431", "huge head 400"}, f"huge heads: {huge}")
    return trial


def keys(scene, options):
    """Overwritten keys in Redis."""
    trial = Trial(scene, options, rate=20)
    chance = random.Random(options.seed)
    # A whole run tries one of the two wrong types; `--only keys` tries both.
    kinds = KINDS if options.only else [chance.choice(KINDS[:2]), KINDS[2]]
    seconds = spoil_fixed(scene, trial, kinds[:1] if options.brief else kinds)
    trial.show(f"fixed keys healed within {seconds:.1f} s each")
    if not options.brief:
        spoil_minutes(scene, trial, chance, trial.end_production)
    return trial


def files(scene, options):
    """More connections than the process may have open files."""
    worst = None
    limits = (64,) if options.brief else (64, 256, 1_024)
    for limit in limits:
        began = scene.hq.log.stat().st_size
        scene.restart_hq("prlimit", f"--nofile={limit}:{limit}", "--")
        trial = Trial(scene, options)
        if worst:
            trial.problems, trial.figures = worst.problems, worst.figures
        done = scene.attack(
            "crowd", "--ingest", scene.ingest_port, "--public", scene.public_port, "--count",
            max(200, limit + limit // 4), seconds=4 if options.brief else 5)
        gap = scene.commits.gap(trial.began, time.time())
        counts = done["counts"]
        trial.show(f"{limit} files: {counts.get('total 200', 0)} viewers and "
                   f"{counts.get('livez 200', 0)} clients served, longest without a commit "
                   f"{gap:.1f} s")
        trial.check(gap <= COMMIT_SECONDS, f"{limit} files: no commit for {gap:.1f} s")
        trial.check(counts.get("total 200", 0) > 0, f"{limit} files: no viewer was served")
        said = scene.hq.log.read_bytes()[began:].decode(errors="replace")
        trial.check(re.search(rf"open_files_max={limit}\b", said),
                    f"the log does not say that the limit is {limit} files")
        trial.check(len(trial.said()) <= LOG_LINES_MAX,
                    f"{limit} files: {len(trial.said())} lines in the log: {trial.said()[-2:]}")
        worst = trial
        if limit != limits[-1]:
            trial.finish()
    return trial


def replica(scene, options):
    """Redis becomes a replica of a server that does not exist, and later the master again."""
    trial = Trial(scene, options)
    scene.store.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        wait_for("a label", lambda: scene.viewer.looks[-1].is_total
                 and scene.viewer.looks[-1].degraded, 10)
        trial.show(f"labelled after {time.time() - trial.began:.1f} s: {scene.reasons()}")
    except TimeoutError:
        trial.fail("no label within 10 s of a Redis that is a replica")
    def sides():
        return {side for line in trial.said() for side in ("ingest", "publisher")
                if "Redis is unavailable" in line and f"side={side}" in line}
    try:
        wait_for("both sides miss the store", lambda: len(sides()) == 2, 15)
    except TimeoutError:
        trial.fail(f"only {sides()} log that the store is lost")
    slowest = max(look.seconds for look in trial.looks(time.time()))
    trial.check(slowest <= SERVED_SECONDS, f"a viewer waited {slowest:.2f} s")
    scene.store.execute_command("REPLICAOF", "NO", "ONE")
    trial.end_production()
    said = [line for line in trial.said() if "READONLY" in line]
    trial.check(said, "the log does not say READONLY")
    trial.show(f"{len(said)} lines say READONLY")
    return trial


SCENARIOS = {one.__name__: one for one in (
    slow, bodies, flood, shards, public, replica, files, keys)}


def run(scene, options):
    failed = 0
    for name in options.only or SCENARIOS:
        began, trial = time.monotonic(), None
        try:
            trial = SCENARIOS[name](scene, options)
            trial.finish()
            problems, figures = trial.problems, trial.figures
        except (AssertionError, TimeoutError, OSError) as problem:
            problems, figures = [f"{problem!r}"], trial.figures if trial else []
            for process in list(scene.processes.values()):
                if process.name.startswith(("producer", "attack")):
                    process.kill()
        word = "not shown" if problems else "shown"
        print(f"{name}: {word} ({time.monotonic() - began:.0f} s): {'; '.join(figures)}",
              flush=True)
        for problem in problems:
            print(f"  FAILED (seed {options.seed}): {problem}", flush=True)
        failed += bool(problems)
        if problems and options.verbose:
            print(scene.hq.tail(40), file=sys.stderr)
    return failed


class OverTime(BaseException):
    """The whole run took too long. Not an Exception, so that no scenario catches it."""


def over_time(*_):
    raise OverTime(f"the run took more than {SECONDS_MAX} s")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=SCENARIOS, metavar="NAME",
                        help=f"run only this; may be repeated: {', '.join(SCENARIOS)}")
    parser.add_argument("--brief", action="store_true",
                        help="shorter attacks, under two minutes")
    parser.add_argument("--verbose", action="store_true", help="HQ's last lines on a failure")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31),
                        help="random seed; printed with each failure")
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, over_time)
    signal.alarm(SECONDS_MAX)
    # Children die with this process; Scene removes its folder.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    try:
        with Scene(options.seed) as scene:
            scene.begin()
            failed = run(scene, options)
    except OverTime as problem:
        print(f"FAILED (seed {options.seed}): {problem}")
        return 1
    print(f"{'not all' if failed else 'all'} shown in {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
