#!/usr/bin/env python3
"""Whether HQ's Redis, and the API's total, are exactly what the regions' topics say.

Reads every record of every region's topic, folds it by the published rules in code of its own,
and compares with Redis for each (region, minute, currency): settled, transfers and correction of
the shards, the global sums, late money, key families and expiries. Minutes that Redis no longer
keeps are not looked at. Production must have stopped; `--wait` gives HQ time to catch up.

Prints one JSON verdict: `exact`, `different` with the first differences, or `unjudgeable`.
Exit status 0, 1 or 2.

    judge.py --brokers eu-west=127.0.0.1:9092 --brokers us-east=127.0.0.1:9093 \\
        --redis 127.0.0.1:6379 --wait 30 --api http://127.0.0.1:8080 --rates rates.json
"""
import argparse
import concurrent.futures
import json
import multiprocessing
import sys
import time

from judge_sources import Rates, Store, Unjudgeable, fold_region, read_api

WINDOW_MINUTES = 1_440
ABSENT = [0, 0, 0]


class Truth:
    """What the topics of all regions say."""

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
    """The API's total against the window of the present minute, or of the one just past."""
    found, digits, answer = read_api(arguments.api, arguments.base)
    published = set(arguments.publish.split(",")) if arguments.publish else set(rates.rates)
    now = int(time.time()) // 60
    expected = []
    for last in (now, now - 1):
        sums = {}
        for (minute, currency), amount in truth.metric.items():
            if last - WINDOW_MINUTES < minute <= last and currency in published:
                sums[currency] = sums.get(currency, 0) + amount
        expected.append(rates.total(sums, arguments.base))
    if found in expected:
        return []
    return [{
        "where": "api", "expected": f"{float(expected[0]):.{digits}f}",
        "found": str(answer["total_amount"]), "off_by": str(found - expected[0]),
        "data_as_of": answer["data_as_of"], "is_degraded": answer["is_degraded"]}]


def judge(truth, store, rates, arguments):
    """Reads Redis until it agrees or the patience ends; the differences of the last look."""
    begin = time.monotonic()
    while True:
        snapshot = store.read()
        differences = compare(truth, snapshot)
        if arguments.api and not differences:
            differences = api_differences(truth, rates, arguments)
        waited = time.monotonic() - begin
        if not differences or waited >= arguments.wait:
            break
        time.sleep(0.2)
    differences += [
        {"where": "expiry", **odd} for odd in store.odd_expiries(snapshot.keys)]
    behind = {}
    for region, region_truth in truth.regions.items():
        coverage = snapshot.coverage.get(region, {})
        for partition, end in region_truth.ends.items():
            if coverage.get(partition, 0) != end:
                behind[f"{region}/{partition}"] = [coverage.get(partition, 0), end]
    kept = [key for key in truth.shards if snapshot.is_kept(key[1])]
    return {
        "verdict": "different" if differences else "exact",
        "waited_seconds": round(waited, 1),
        "records": sum(region.outcomes["consumed"] for region in truth.regions.values()),
        "outcomes": {
            name: dict(sorted(region.outcomes.items())) for name, region in truth.regions.items()},
        "compared": {
            "buckets": len(kept), "minutes": len({key[1] for key in kept}),
            "transfers": sum(truth.shards[key][1] for key in kept),
            "late_buckets": sum(snapshot.is_kept(key[1]) for key in truth.late)},
        # Diagnosis only: [watermark, end of the partition].
        "watermark_not_at_end": behind,
        "difference_count": len(differences),
        "differences": differences[:arguments.differences]}


def read_topics(arguments):
    """{region: RegionTruth}, the regions read side by side."""
    regions = dict(pair.split("=", 1) for pair in arguments.brokers)
    properties = dict(pair.split("=", 1) for pair in arguments.kafka)
    # Forked children of a process with library threads may hang; these start afresh.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(arguments.jobs, mp_context=context) as pool:
        reading = {
            region: pool.submit(
                fold_region, region, brokers, arguments.topic, properties, arguments.patience)
            for region, brokers in regions.items()}
        return {region: future.result() for region, future in reading.items()}


def parse(words):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--brokers", action="append", required=True, metavar="REGION=HOST:PORT[,…]",
        help="a region and the brokers of its Kafka; once for each region")
    parser.add_argument("--topic", default="transaction.settled")
    parser.add_argument(
        "--kafka", action="append", default=[], metavar="NAME=VALUE",
        help="a property for librdkafka, for clusters that ask for credentials")
    parser.add_argument(
        "--redis", default="127.0.0.1:6379", metavar="HOST:PORT|unix:PATH", help="HQ's Redis")
    parser.add_argument(
        "--wait", type=float, default=0, metavar="SECONDS", help="how long HQ may take to agree")
    parser.add_argument(
        "--patience", type=float, default=30, metavar="SECONDS",
        help="how long a broker may stay silent")
    parser.add_argument("--api", metavar="URL", help="also compare the public total")
    parser.add_argument("--base", default="USD", help="the base currency of that total")
    parser.add_argument("--rates", metavar="FILE", help="the rates it is converted with")
    parser.add_argument(
        "--publish", metavar="CODES", help="the currencies it counts; all with a rate otherwise")
    parser.add_argument("--differences", type=int, default=20, help="how many to print")
    parser.add_argument("--jobs", type=int, default=2, help="regions read side by side")
    arguments = parser.parse_args(words)
    if arguments.api and not arguments.rates:
        parser.error("--api needs --rates")
    if not all("=" in pair for pair in arguments.brokers + arguments.kafka):
        parser.error("--brokers and --kafka expect NAME=VALUE")
    return arguments


def main(words):
    arguments = parse(words)
    begin = time.monotonic()
    try:
        truth = Truth(read_topics(arguments))
        read_seconds = time.monotonic() - begin
        rates = Rates(arguments.rates) if arguments.rates else None
        verdict = judge(truth, Store(arguments.redis), rates, arguments)
        verdict["read_seconds"] = round(read_seconds, 1)
    except Unjudgeable as reason:
        verdict = {"verdict": "unjudgeable", "reason": str(reason)}
    print(json.dumps(verdict, indent=2))
    return {"exact": 0, "different": 1}.get(verdict["verdict"], 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
