#!/usr/bin/env python3
"""The simplest possible sums of a file of settled transfers, as the reference for the rollup.

usage: reference_rollup.py FILE [--no-dedupe]

Reads one JSON object per line and prints sorted CSV (currency, minute, settled, transfers). The
first record of a transfer_id counts. It reads only valid records and shares no code with the
rollup: it uses the standard library's JSON reader, integers, a dictionary and a set.
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
    """The sums in the format of the rollup."""
    rows = [
        f"{currency},{minute},{settled},{transfers}\n"
        for (currency, minute), (settled, transfers) in sorted(sums.items())
    ]
    return "currency,minute,settled,transfers\n" + "".join(rows)


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as source:
        sys.stdout.write(csv(rollup(source, "--no-dedupe" not in sys.argv[2:])))
