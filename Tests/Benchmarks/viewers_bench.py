#!/usr/bin/env python3
"""50,000 viewers of the live stream on this machine, 10,000 of which never read.

    viewers_bench.py [--viewers N] [--silent N] [--servers N] [--seconds N]

Several servers of the public interface send their viewers a changing report twice a second, the
greatest rate of a stream. Several clients with different loopback addresses run the viewers, so
that no process needs more than 20,000 files. Exit status 1 if an update does not reach every
reading viewer of its server, is later than LATENCY_GOAL_MS at p99, or a viewer costs a server more
than MEMORY_GOAL bytes.
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import time
from collections import Counter

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / ".build/release/tributary-bench"
INTERVAL_MS = 500
LATENCY_GOAL_MS = 1_000
MEMORY_GOAL = 10 * 1024
# Only some viewers see updates at the beginning and the end of the measurement.
EDGE = 1


def resident(pid):
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def processor_seconds(pid):
    """The CPU time so far, in the kernel and in user space."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(children, *words, **options):
    child = subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", BENCH, *map(str, words)], stdout=subprocess.PIPE,
        text=True, **options)
    children.append(child)
    return child


def percentile(latencies, share):
    """A percentile of a counter by latency."""
    left = share * sum(latencies.values())
    for latency in sorted(latencies):
        left -= latencies[latency]
        if left <= 0:
            return latency
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--viewers", type=int, default=50_000)
    parser.add_argument("--silent", type=int, default=10_000)
    parser.add_argument("--servers", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    children = []
    try:
        return measure(options, children)
    finally:
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()


def measure(options, children):
    servers = []
    for _ in range(options.servers):
        # Offsets the processes, which publish at the same rate.
        time.sleep(INTERVAL_MS / 1_000 / options.servers)
        servers.append(start(
            children, "serve", "--threads", 1, "--interval", INTERVAL_MS))
    targets = [server.stdout.readline().split()[1].removeprefix("http://") for server in servers]
    time.sleep(2)
    before = [resident(server.pid) for server in servers]
    began = time.monotonic()
    clients = []
    for number in range(options.servers):
        share = [count // options.servers + (number < count % options.servers)
                 for count in (options.viewers, options.silent)]
        clients.append(start(
            children, "viewers", "--count", share[0], "--silent", share[1],
            "--source", f"127.0.0.{number + 2}", "--seconds", options.seconds, "--waits",
            *[word for target in targets for word in ("--target", target)],
            stdin=subprocess.PIPE))
    for client in clients:
        assert client.stdout.readline() == "connected\n", "a client could not connect its viewers"
    connecting = time.monotonic() - began
    time.sleep(2)
    for client in clients:
        client.stdin.write("\n")
        client.stdin.flush()
    # While all are connected and receive events.
    busy = [processor_seconds(server.pid) for server in servers]
    time.sleep(options.seconds / 2)
    after = [resident(server.pid) for server in servers]
    busy = sum(processor_seconds(server.pid) for server in servers) - sum(busy)
    results = [json.loads(client.stdout.readline()) for client in clients]
    return report(options, results, connecting, sum(after) - sum(before),
                  busy / (options.seconds / 2))


def report(options, results, connecting, memory, cores):
    connected = sum(result["viewers"] for result in results)
    failed = sum(result["failed"] for result in results)
    updates = {}
    for result in results:
        for update in result["updates"]:
            reached = updates.setdefault((update["target"], update["published"]), Counter())
            for latency, count in update["latency_ms"]:
                reached[latency] += count
    reading = (options.viewers - options.silent) / options.servers
    complete, all_latencies, worst, missed = 0, Counter(), 0, 0
    for target in range(options.servers):
        times = sorted(time for number, time in updates if number == target)
        for time_of_update in times[EDGE:-EDGE]:
            reached = updates[target, time_of_update]
            complete += 1
            # The silent viewers are distributed almost evenly.
            missed += max(0, int(reading) - options.servers * 2 - sum(reached.values()))
            worst = max(worst, percentile(reached, 0.99))
            all_latencies += reached
    each = memory / options.viewers
    print(f"viewers      {connected:,} connected in {connecting:.1f} s, {failed} failed, "
          f"{options.silent:,} of them never read; {options.servers} servers")
    print(f"updates      {complete}, each reached its viewers: p50 "
          f"{percentile(all_latencies, 0.5)} ms, p99 {percentile(all_latencies, 0.99)} ms, "
          f"worst update's p99 {worst} ms; missed: {missed}")
    print(f"memory       {each:,.0f} bytes of server memory a viewer; the servers together kept "
          f"{cores:.2f} cores busy, {cores / options.viewers * 1e6:.1f} us a viewer and second")
    reasons = []
    if failed or connected + sum(r["lost"] for r in results) < options.viewers:
        reasons.append("not all connected")
    if complete < options.servers * 3 or missed:
        reasons.append("an update did not reach every viewer")
    if worst > LATENCY_GOAL_MS:
        reasons.append(f"p99 over {LATENCY_GOAL_MS} ms")
    if each > MEMORY_GOAL:
        reasons.append(f"over {MEMORY_GOAL:,} bytes a viewer")
    print(f"viewers: {'MISSED: ' + ', '.join(reasons) if reasons else 'goals reached'}")
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main())
