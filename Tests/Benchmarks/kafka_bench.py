#!/usr/bin/env python3
"""From Kafka to ring, compared with a bare librdkafka loop in C: same topic, messages and machine.

    kafka_bench.py [--records N] [--runs N] [--brokers HOST:PORT --topic T]

Fills a topic of the embedded broker with generated transfers, then reads it alternately with the C
loop, with the consumer, and with the consumer and the fold. Prints the best run of each, their
ratios, and the median of the ratios within a turn. Exit status 1 if the fold's best run reaches
less than GOAL of the bare loop's.
"""
import argparse
import operator
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / ".build/release/tributary"
BENCH = ROOT / ".build/release/tributary-bench"
GOAL = 0.8


def measure(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=300, check=True)
    return dict(pair.split("=") for pair in done.stdout.split() if "=" in pair)


def broker(topic):
    child = subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", BINARY, "broker", "--port", "0", "--topic",
         f"{topic}:6"], stdout=subprocess.PIPE, text=True)
    return child, child.stdout.readline().split()[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=1_200_000)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--brokers")
    parser.add_argument("--topic", default="transaction.settled")
    options = parser.parse_args()
    child, brokers = (None, options.brokers) if options.brokers else broker(options.topic)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return compare(options, brokers, pathlib.Path(folder))
    finally:
        if child:
            child.terminate()
            child.wait(10)


def compare(options, brokers, folder):
    bare = folder / "bare_consumer"
    subprocess.run(["cc", "-O2", "-o", bare, ROOT / "Tests/Benchmarks/bare_consumer.c",
                    "-lrdkafka", "-ljemalloc"], check=True)
    subprocess.run([BINARY, "generate", str(options.records), "--kafka", brokers, "--topic",
                    options.topic], check=True, stderr=subprocess.DEVNULL)
    commands = {
        "bare librdkafka loop in C": [bare, brokers, options.topic],
        "consumer": [BENCH, "consume", "--brokers", brokers, "--topic", options.topic],
        "consumer and fold": [
            BENCH, "consume", "--fold", "--brokers", brokers, "--topic", options.topic],
    }
    runs = {name: [] for name in commands}
    for _ in range(options.runs):
        for name, command in commands.items():
            run = measure(command)
            assert int(run["records"]) == options.records, f"{name} read {run['records']} records"
            runs[name].append(run)
    bare_speeds = [int(run["per_second"]) for run in runs["bare librdkafka loop in C"]]
    ratio = 0
    for name, turns in runs.items():
        speeds = [int(run["per_second"]) for run in turns]
        best = max(turns, key=lambda run: int(run["per_second"]))
        ratio = max(speeds) / max(bare_speeds)
        within = statistics.median(map(operator.truediv, speeds, bare_speeds))
        print(f"{name:28} {max(speeds):>9,} records/s  {best['process_cpu_us']} us CPU each  "
              f"ratio {ratio:.2f}, within a turn {within:.2f}")
    print(f"Kafka to ring: {ratio:.2f} of a bare loop, goal {GOAL}: "
          f"{'reached' if ratio >= GOAL else 'MISSED'}")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
