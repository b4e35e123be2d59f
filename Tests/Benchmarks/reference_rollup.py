#!/usr/bin/env python3
"""The sums of a file of settled transfers, in the plainest words: what the rollup is judged by.

usage: reference_rollup.py FILE [--no-dedupe]

Reads one JSON object a line and prints CSV (currency, minute, settled, transfers), sorted. The
first record of a transfer_id counts. It knows sound records only and shares nothing with the
program it judges: the standard library's JSON reader, integers, a dictionary and a set.
"""

import json
import sys


def rollup(lines, dedupe=True):
    """Sums by (currency, minute) as [settled, transfers]."""
    seen = set()
    sums = {}
    for line in lines:
        record = json.loads(line)
        if dedupe:
            known = len(seen)
            seen.add(record["transfer_id"])
            if len(seen) == known:
                continue
        key = record["currency"], record["settled_at_utc"][:16]
        if key not in sums:
            sums[key] = [0, 0]
        sums[key][0] += record["amount_minor_units"]
        sums[key][1] += 1
    return sums


def csv(sums):
    """The sums as the rollup prints them."""
    rows = [
        f"{currency},{minute},{settled},{transfers}\n"
        for (currency, minute), (settled, transfers) in sorted(sums.items())
    ]
    return "currency,minute,settled,transfers\n" + "".join(rows)


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as source:
        sys.stdout.write(csv(rollup(source, "--no-dedupe" not in sys.argv[2:])))
