#!/usr/bin/env python3
"""Compares `tributary rollup` with DuckDB on one file, and both with an independent reference.

usage: rollup_bench.py [--events N] [--runs N] [--file FILE] [--binary PATH]

Keeps the file and its reference in .build/bench for the next run. Runs alternate, so that a busy
machine slows both; the best of each counts. Tributary's time is that of its whole process, DuckDB's
only that of its query. Exit status 1 if a result differs or a goal is missed.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# A day at 60 a second.
EVENTS = 5_184_000
SPEED_GOAL = 2.5
MEMORY_GOAL_MB = 400


def run(command, output):
    """Runs a command with its output in a file: (seconds, peak MB, standard error)."""
    with open(output, "wb") as out, tempfile.TemporaryFile() as err:
        begun = time.monotonic()
        process = subprocess.Popen(command, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        message = err.read().decode()
    if process.returncode != 0:
        sys.exit(f"{command[0]} ended with status {process.returncode}: {message}")
    return seconds, usage.ru_maxrss / 1024, message


def events_file(arguments, folder):
    """The file to roll up, generated if necessary."""
    if arguments.file:
        return pathlib.Path(arguments.file)
    file = folder / f"events-{arguments.events}.ndjson"
    if not file.exists():
        unfinished = file.with_suffix(".unfinished")
        subprocess.run(
            [arguments.binary, "generate", str(arguments.events), "--out", unfinished],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        unfinished.rename(file)
    return file


def reference_file(file, folder):
    """The reference's result, computed once for each state of the file."""
    status = file.stat()
    reference = folder / f"reference-{status.st_size}-{status.st_mtime_ns}.csv"
    if not reference.exists():
        unfinished = reference.with_suffix(".unfinished")
        run([sys.executable, str(HERE / "reference_rollup.py"), str(file)], unfinished)
        unfinished.rename(reference)
    return reference


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--file", help="roll up this file instead of a generated one")
    parser.add_argument("--binary", default=str(ROOT / ".build/release/tributary"))
    arguments = parser.parse_args()

    folder = ROOT / ".build/bench"
    folder.mkdir(parents=True, exist_ok=True)
    file = events_file(arguments, folder)
    reference = reference_file(file, folder).read_bytes()

    ours, theirs = [], []
    our_memory = their_memory = 0
    our_output, their_output = folder / "tributary.csv", folder / "duckdb.csv"
    for _ in range(arguments.runs):
        seconds, memory, _ = run([arguments.binary, "rollup", str(file)], our_output)
        ours.append(seconds)
        our_memory = max(our_memory, memory)
        _, memory, message = run(
            [sys.executable, str(HERE / "duckdb_rollup.py"), str(file)], their_output
        )
        theirs.append(float(message))
        their_memory = max(their_memory, memory)

    ratio = min(theirs) / min(ours)
    equal = our_output.read_bytes() == reference
    their_equal = their_output.read_bytes() == reference
    megabytes = file.stat().st_size / 1e6
    cores = os.cpu_count()
    print(f"rollup with dedupe, {megabytes:.0f} MB, best of {arguments.runs}, {cores} cores")
    for name, times, memory, same in [
        ("tributary", ours, our_memory, equal),
        ("duckdb", theirs, their_memory, their_equal),
    ]:
        runs = " ".join(f"{seconds:.2f}" for seconds in times)
        verdict = "equal" if same else "NOT EQUAL"
        print(f"  {name:10} {min(times):5.2f} s  {memory:5.0f} MB peak  {verdict}  (runs: {runs})")
    within = statistics.median(their / our for their, our in zip(theirs, ours))
    print(f"  {ratio:.2f} times faster than DuckDB (goal {SPEED_GOAL}), "
          f"within a turn {within:.2f}")
    print(f"  {our_memory:.0f} MB peak (goal below {MEMORY_GOAL_MB})")
    # The comparison is only valid if DuckDB computes the same.
    return 0 if (
        equal and their_equal and ratio >= SPEED_GOAL and our_memory < MEMORY_GOAL_MB
    ) else 1


if __name__ == "__main__":
    sys.exit(main())
