#!/usr/bin/env python3
"""Checks that HQ's Redis and the API's total are exactly what the regions' topics say.

Reads every record of every region's topic, folds it by the published rules in its own code, and
compares with Redis for each (region, minute, currency): settled, transfers and correction of the
shards, the global sums, late money, key families and expiries. It skips minutes that Redis no
longer keeps. Production must have stopped; `--wait` gives HQ time to catch up, counted from the
start, including reading. With `--follow` it reads while production still runs, and judges when a
line on standard input gives the Unix time at which production stopped.

Prints one JSON verdict: `exact`, `different` with the first differences, or `unjudgeable`, for
example without any record. Exit status 0, 1 or 2.

    judge.py --brokers eu-west=127.0.0.1:9092 --brokers us-east=127.0.0.1:9093 \\
        --redis 127.0.0.1:6379 --wait 30 --api http://127.0.0.1:8080 --rates rates.json
"""
import argparse
import json
import multiprocessing
import sys
import time

from judge_sources import Rates, Store, Unjudgeable, decimal_text, read_api, read_region

WINDOW_MINUTES = 1_440
ABSENT = [0, 0, 0]


class Truth:
    """The contents of all regions' topics."""

    def __init__(self, regions):
        """`regions`: {region: RegionTruth}."""
        self.regions = regions
        # (region, minute, currency) -> [settled, transfers, correction]
        self.shards, self.late = {}, {}
        # (minute, currency) -> number
        self.metric, self.transfers = {}, {}
        for region, truth in regions.items():
            self.shards.update({(region, *key): value for key, value in truth.buckets.items()})
            self.late.update({(region, *key): value for key, value in truth.late.items()})
            for key, (settled, transfers, correction) in truth.buckets.items():
                self.metric[key] = self.metric.get(key, 0) + settled + correction
                self.transfers[key] = self.transfers.get(key, 0) + transfers


def compare(truth, snapshot):
    """All differences; a missing value is zero."""
    differences = []

    def check(where, expected, found, absent, name):
        for key in expected.keys() | found.keys():
            a, b = expected.get(key, absent), found.get(key, absent)
            if a != b and snapshot.is_kept(key[-2]):
                differences.append({"where": where, **name(key), "expected": a, "found": b})

    def shard_name(key):
        return {"region": key[0], **minute_name(key)}

    def minute_name(key):
        minute = time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(key[-2] * 60))
        return {"minute": key[-2], "utc": minute, "currency": key[-1]}

    check("shard", truth.shards, snapshot.shards, ABSENT, shard_name)
    check("late", truth.late, snapshot.late, ABSENT, shard_name)
    check("metric", truth.metric, snapshot.metric, 0, minute_name)
    check("transfers", truth.transfers, snapshot.transfers, 0, minute_name)
    differences.sort(key=lambda d: (d["where"], d["minute"], d["currency"], d.get("region", "")))
    differences += [{"where": "key", **odd} for odd in snapshot.odd_keys]
    return differences


def api_differences(truth, rates, arguments):
    """Compares the API's total, digit for digit, with the window of the current or the previous
    minute."""
    try:
        found, answer = read_api(arguments.api, arguments.base)
    except OSError as problem:
        return [{"where": "api", "problem": str(problem)}]
    published = set(arguments.publish.split(",")) if arguments.publish else set(rates.rates)
    now = int(time.time()) // 60
    expected = []
    for last in (now, now - 1):
        sums = {}
        for (minute, currency), amount in truth.metric.items():
            if last - WINDOW_MINUTES < minute <= last and currency in published:
                sums[currency] = sums.get(currency, 0) + amount
        expected.append(decimal_text(rates.total(sums, arguments.base), arguments.base))
    if found in expected:
        return []
    return [{
        "where": "api", "expected": expected[0], "found": found,
        "data_as_of": answer["data_as_of"], "is_degraded": answer["is_degraded"]}]


class Topics:
    """All regions' topics, each read by its own process, in parallel."""

    def __init__(self, arguments):
        properties = dict(pair.split("=", 1) for pair in arguments.kafka)
        # Forked children of a process with library threads may hang, so these are spawned.
        context = multiprocessing.get_context("spawn")
        self.pipes, self.truths, self.processes = {}, {}, []
        for pair in arguments.brokers:
            region, brokers = pair.split("=", 1)
            self.pipes[region], theirs = context.Pipe()
            self.processes.append(context.Process(target=read_region, daemon=True, args=(
                theirs, region, brokers, arguments.topic, properties, arguments.patience,
                tuple(arguments.ids))))
            self.processes[-1].start()
            theirs.close()

    def truth(self):
        """The contents of the topics up to their current ends."""
        for pipe in self.pipes.values():
            try:
                pipe.send(None)
            except BrokenPipeError:
                # Its last message must still be read.
                pass
        for region, pipe in self.pipes.items():
            try:
                answer = pipe.recv()
            except (EOFError, ConnectionError):
                raise Unjudgeable(f"{region}: its reader ended") from None
            if isinstance(answer, Unjudgeable):
                raise answer
            if answer is not None:
                self.truths[region] = answer
        return Truth(self.truths)

    def close(self):
        for process in self.processes:
            process.kill()
            process.join()


def look(topics, store, rates, arguments):
    """One comparison: the topics' contents, Redis's contents, and their differences."""
    truth = topics.truth()
    if not sum(region.outcomes["consumed"] for region in truth.regions.values()):
        raise Unjudgeable("no topic has a record")
    try:
        snapshot = store.read()
    except store.Failure as problem:
        return truth, None, [{"where": "redis", "problem": str(problem)}]
    differences = compare(truth, snapshot)
    if arguments.api and not differences:
        differences = api_differences(truth, rates, arguments)
    return truth, snapshot, differences


def judge(topics, store, rates, arguments, since):
    """Compares until all agree or the time is over; the last comparison gives the verdict.

    HQ's time runs from the Unix time `since`."""
    while True:
        truth, snapshot, differences = look(topics, store, rates, arguments)
        waited = time.time() - since
        if not differences or waited >= arguments.wait:
            break
        time.sleep(0.2)
    behind, kept, late = {}, [], []
    if snapshot is not None:
        differences += [
            {"where": "expiry", **odd} for odd in store.odd_expiries(snapshot.keys)]
        behind = watermarks_not_at_end(truth, snapshot)
        kept = [key for key in truth.shards if snapshot.is_kept(key[1])]
        late = [key for key in truth.late if snapshot.is_kept(key[1])]
    regions = truth.regions.items()
    return {
        "verdict": "different" if differences else "exact",
        # When the last comparison ended.
        "waited_seconds": round(waited, 1),
        "records": sum(region.outcomes["consumed"] for _, region in regions),
        "outcomes": {name: dict(sorted(region.outcomes.items())) for name, region in regions},
        "ids": {name: region.ids for name, region in regions},
        "compared": {
            "buckets": len(kept), "minutes": len({key[1] for key in kept}),
            "transfers": sum(truth.shards[key][1] for key in kept),
            "late_buckets": len(late)},
        "watermark_not_at_end": behind,
        "difference_count": len(differences),
        "differences": differences[:arguments.differences]}


def watermarks_not_at_end(truth, snapshot):
    """Only for diagnosis: {partition: [watermark, end of the partition]}."""
    behind = {}
    for region, region_truth in truth.regions.items():
        coverage = snapshot.coverage.get(region, {})
        for partition, end in region_truth.ends.items():
            if coverage.get(partition, 0) != end:
                behind[f"{region}/{partition}"] = [coverage.get(partition, 0), end]
    return behind


def parse(words):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--brokers", action="append", required=True, metavar="REGION=HOST:PORT[,…]",
        help="a region and the brokers of its Kafka; once for each region")
    parser.add_argument("--topic", default="transaction.settled")
    parser.add_argument(
        "--kafka", action="append", default=[], metavar="NAME=VALUE",
        help="a librdkafka property, for clusters that require credentials")
    parser.add_argument(
        "--redis", default="127.0.0.1:6379", metavar="HOST:PORT|unix:PATH", help="HQ's Redis")
    parser.add_argument(
        "--wait", type=float, default=0, metavar="SECONDS",
        help="how long HQ may take to agree; compares at least once")
    parser.add_argument(
        "--follow", action="store_true",
        help="read continuously; a line on standard input gives the time production stopped")
    parser.add_argument(
        "--patience", type=float, default=30, metavar="SECONDS",
        help="how long a broker may be silent")
    parser.add_argument("--api", metavar="URL", help="also compare the public total")
    parser.add_argument("--base", default="USD", help="the base currency of that total")
    parser.add_argument("--rates", metavar="FILE", help="the rates of that total")
    parser.add_argument(
        "--publish", metavar="CODES", help="currencies of that total; by default all with a rate")
    parser.add_argument("--differences", type=int, default=20, help="how many to print")
    parser.add_argument(
        "--ids", action="append", default=[], metavar="PREFIX",
        help="also count the transfers whose id begins with this")
    arguments = parser.parse_args(words)
    if arguments.api and not arguments.rates:
        parser.error("--api needs --rates")
    if not all("=" in pair for pair in arguments.brokers + arguments.kafka):
        parser.error("--brokers and --kafka expect NAME=VALUE")
    return arguments


def told_time(line):
    try:
        return float(line)
    except ValueError:
        raise Unjudgeable(f"expected a Unix time on standard input, not {line!r}") from None


def main(words):
    arguments = parse(words)
    since = time.time()
    topics = Topics(arguments)
    try:
        if arguments.follow:
            since = told_time(sys.stdin.readline())
        rates = Rates(arguments.rates) if arguments.rates else None
        verdict = judge(topics, Store(arguments.redis), rates, arguments, since)
    except Unjudgeable as reason:
        verdict = {"verdict": "unjudgeable", "reason": str(reason)}
    finally:
        topics.close()
    print(json.dumps(verdict, indent=2))
    return {"exact": 0, "different": 1}.get(verdict["verdict"], 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
