#!/usr/bin/env python3
"""Counts the instructions of a publisher tick, which must depend on changes, not on data held.

    refresh_cost.py

Builds reports of 3 and 30 regions, of one hour and of whole days, each with two numbers of ticks;
the difference is the cost of the ticks. Prints instructions per tick. Exit status 1 if a day costs
over 5 % more than an hour. Without valgrind it says so and measures nothing.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / ".build/release/bench-refresh"
HOUR, DAY = 60, 1440
FEW, MANY = 4, 24
RATIO_MAX = 1.05


def instructions(folder, regions, minutes, changed, ticks):
    done = subprocess.run(
        ["valgrind", "--tool=cachegrind", "--cache-sim=no",
         f"--cachegrind-out-file={folder}/out", f"{folder}/bench", "--regions", str(regions),
         "--minutes", str(minutes), "--changed", str(changed), "--ticks", str(ticks)],
        capture_output=True, text=True, timeout=600, check=True,
        env=os.environ | {"SWIFT_DETERMINISTIC_HASHING": "1"})
    if f"reports={ticks}\n" not in done.stdout:
        sys.exit(f"the bench made no reports: {done.stdout}")
    return int(re.search(r"I\s+refs:\s+([0-9,]+)", done.stderr)[1].replace(",", ""))


def per_tick(folder, regions, minutes, changed):
    few, many = (instructions(folder, regions, minutes, changed, ticks) for ticks in (FEW, MANY))
    return (many - few) // (MANY - FEW)


def main():
    if not shutil.which("valgrind"):
        print("refresh cost: not measured, valgrind is not installed")
        return 0
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        # Valgrind cannot read Swift's debug information.
        subprocess.run(["strip", "-o", f"{folder}/bench", BENCH], check=True)
        for regions in (3, 30):
            for changed in (0, 1, 10):
                hour, day = (per_tick(folder, regions, held, changed) for held in (HOUR, DAY))
                worst = max(worst, day / hour)
                print(f"refresh cost: {regions} regions, {changed} minutes changed: "
                      f"{day:,} instructions a tick over a day, {hour:,} over an hour", flush=True)
    print(f"refresh cost: a day at most {worst:.3f} of an hour (limit {RATIO_MAX})")
    return 0 if worst <= RATIO_MAX else 1


if __name__ == "__main__":
    sys.exit(main())
