#!/usr/bin/env python3
"""Runs the commands in README.md's `sh` blocks like a newcomer: all of them, in order, as written.

A shortened `make demo` runs in the background during the later commands. It must answer within 10 s
of its start, print that time, and end by itself with `exact` and a plausible daily total. Other
`make` targets are not run, because they run this program.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO_SECONDS = 40
ANSWER_SECONDS_MAX = 10
COMMAND_SECONDS_MAX = 120
# US dollars: 1.7 million transfers of 370 on average are 600 million.
TOTAL_BOUNDS = (10**8, 10**9)
TOTAL_URL = "http://127.0.0.1:8080/v1/metrics/money-moved/24h"
FIELDS = ["time_window", "base_currency", "total_amount", "data_as_of", "is_degraded"]


def commands(text):
    """The commands of every `sh` block, with joined continuation lines and without comments."""
    found, inside, pending = [], False, ""
    for line in text.splitlines():
        if line.startswith("```"):
            inside = not inside and line.strip() == "```sh"
            continue
        if not inside or (not pending and (not line.strip() or line.startswith("#"))):
            continue
        if line.endswith("\\"):
            pending += line[:-1]
            continue
        found.append(pending + line)
        pending = ""
    return found


def start_demo(log):
    """Starts the demo in its own process group and waits until it serves. Returns the demo and the
    seconds since `make` finished the build and printed the command."""
    begun, started = time.monotonic(), None
    demo = subprocess.Popen(
        ["make", "demo", f"DEMO=--seconds {DEMO_SECONDS}"],
        cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
    )
    while True:
        if demo.poll() is not None:
            raise SystemExit(f"make demo ended with {demo.returncode} before it served")
        if time.monotonic() - begun > COMMAND_SECONDS_MAX:
            stop(demo)
            raise SystemExit(f"make demo did not serve within {COMMAND_SECONDS_MAX} s")
        if started is None and re.search(r"(?m)/tributary demo\b", written(log)):
            started = time.monotonic()
        try:
            urllib.request.urlopen(TOTAL_URL, timeout=1).close()
        except OSError:
            time.sleep(0.05)
            continue
        if started is None:
            stop(demo)
            raise SystemExit("another process uses the demo's port")
        return demo, time.monotonic() - started


def written(log):
    """The log so far, without moving the writer's position."""
    return os.pread(log.fileno(), os.fstat(log.fileno()).st_size, 0).decode(errors="replace")


def stop(demo):
    """Ends the demo like Ctrl-C."""
    if demo.poll() is None:
        os.killpg(demo.pid, signal.SIGINT)
        try:
            demo.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(demo.pid, signal.SIGKILL)


def is_answer(text):
    """Whether this is the public answer: exactly its five fields, in order."""
    try:
        return list(json.loads(text)) == FIELDS
    except ValueError:
        return False


def said(lines, beginning):
    """The text after the beginning in the last line that starts with it; "" if none does."""
    return next((line.removeprefix(beginning) for line in reversed(lines)
                 if line.startswith(beginning)), "")


def is_plausible(moved):
    """Whether this is a total in dollars within its bounds."""
    amount = re.fullmatch(r"(\d+)\.\d\d USD", moved)
    return amount is not None and TOTAL_BOUNDS[0] <= int(amount[1]) <= TOTAL_BOUNDS[1]


def run(command):
    """Runs one command. Returns whether it works as documented."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=ROOT, capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX,
    )
    for line in (done.stdout + done.stderr).splitlines()[:3]:
        print(f"      {line[:110]}")
    if command.startswith("curl ") and not is_answer(done.stdout):
        return False
    return done.returncode == 0 and done.stdout + done.stderr != ""


def main():
    # Stopping this program also stops the demo.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    todo = commands((ROOT / "README.md").read_text())
    if not any(command.startswith("curl ") for command in todo):
        raise SystemExit("README.md shows no curl; is its format still understood?")
    demo, passed, failed = None, 0, 0
    with tempfile.TemporaryFile("w+") as log:
        try:
            for command in todo:
                words = command.split()
                if words[0] == "make" and words[1] != "demo":
                    continue
                print(f"    $ {command}", flush=True)
                if words[:2] == ["make", "demo"]:
                    demo, seconds = start_demo(log)
                    print(f"      answers after {seconds:.1f} s")
                    if seconds <= ANSWER_SECONDS_MAX:
                        passed += 1
                    else:
                        print(f"      failed: more than {ANSWER_SECONDS_MAX} s")
                        failed += 1
                elif run(command):
                    passed += 1
                else:
                    print("      failed")
                    failed += 1
            if demo is not None:
                status = demo.wait(DEMO_SECONDS + COMMAND_SECONDS_MAX)
                lines = written(log).split("\n")
                ended_exact = any(re.match("exact: [1-9]", line) for line in lines[-15:])
                verdict = "exact" if ended_exact else "not exact"
                moved = said(lines, "moved in 24 h: ")
                print(f"    make demo ended with {status}, {verdict}; {moved} moved; it says its "
                      f"first answer came after {said(lines, 'first answer after ')}")
                if status != 0 or not ended_exact or not is_plausible(moved):
                    print("\n".join(lines[-30:]))
                    failed += 1
        finally:
            if demo is not None:
                stop(demo)
    print(f"README: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
