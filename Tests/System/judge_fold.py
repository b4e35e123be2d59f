"""The fold of one partition, directly from its rules; HQ must have the same result.

It never removes anything; the judge compares only minutes that the store still keeps.
"""
import collections

from judge_records import CORRECTION, IGNORED, TRANSFER, Rejected, decode

FUTURE_MS = 5 * 60_000
CORRECTION_MS = 10 * 60_000
RETAINED_MINUTES = 1_500
SUM_MAX = 1 << 52
# The years 2000 to 2200, in milliseconds.
STAMPS = range(946_684_800_000, 7_289_654_400_000)


class PartitionFold:
    """Feed `fold` with every record, in offset order."""

    def __init__(self):
        # (minute, currency) -> [settled, transfers, correction]
        self.buckets = {}
        # (minute of the record's stamp, currency) -> [settled, transfers]
        self.late = {}
        # id -> the greatest minute for which it was seen
        self.sighted = {}
        self.sighted_corrections = {}
        self.outcomes = collections.Counter()

    def fold(self, value, timestamp):
        """`value` is bytes or None, `timestamp` milliseconds or None if the record has none."""
        try:
            self.outcomes[self.outcome(value, timestamp)] += 1
        except Rejected as reason:
            self.outcomes[f"rejected:{reason}"] += 1
        self.outcomes["consumed"] += 1

    def outcome(self, value, timestamp):
        record = decode(value)
        kind = record[0]
        if kind is IGNORED:
            return "control:ignored"
        if timestamp is None or timestamp not in STAMPS:
            raise Rejected("timestamp")
        if kind is TRANSFER:
            return self.transfer(record, timestamp)
        if kind is CORRECTION:
            return self.correction(record, timestamp)
        return self.marker(record, timestamp)

    def transfer(self, record, timestamp):
        _, identifier, currency, amount, event = record
        if event > timestamp + FUTURE_MS:
            raise Rejected("future")
        now, minute = timestamp // 60_000, event // 60_000
        is_late = minute <= now - RETAINED_MINUTES
        target = now if is_late else minute
        seen = self.sighted.get(identifier)
        self.sighted[identifier] = target if seen is None else max(seen, target)
        if seen is not None and seen > now - RETAINED_MINUTES:
            return "duplicate"
        if is_late:
            bucket, outcome = self.late.setdefault((target, currency), [0, 0]), "late"
        else:
            bucket, outcome = self.buckets.setdefault((target, currency), [0, 0, 0]), "applied"
        if bucket[0] + amount > SUM_MAX:
            raise Rejected("overflow")
        bucket[0] += amount
        bucket[1] += 1
        return outcome

    def correction(self, record, timestamp):
        """Shares no ids with transfers."""
        _, identifier, currency, minute, delta, before, issued_at = record
        if minute * 60_000 > timestamp + FUTURE_MS:
            return "control:future"
        now = timestamp // 60_000
        seen = self.sighted_corrections.get(identifier)
        self.sighted_corrections[identifier] = now if seen is None else max(seen, now)
        if seen is not None and seen > now - RETAINED_MINUTES:
            return "control:duplicate"
        if minute <= now - RETAINED_MINUTES:
            return "control:late"
        if timestamp > issued_at + CORRECTION_MS:
            return "control:void"
        bucket = self.buckets.setdefault((minute, currency), [0, 0, 0])
        if bucket[2] != before:
            return "control:void"
        if abs(bucket[2] + delta) > SUM_MAX:
            raise Rejected("overflow")
        bucket[2] += delta
        return "control:applied"

    def marker(self, record, timestamp):
        if record[1] > timestamp + FUTURE_MS:
            return "control:future"
        return "control:marker"


class RegionTruth:
    """The contents of a region's topic, summed over its partitions."""

    def __init__(self):
        # (minute, currency) -> [settled, transfers, correction]
        self.buckets = {}
        # The same of late money, by the minute of its records' stamps.
        self.late = {}
        self.outcomes = collections.Counter()
        # partition -> end offset
        self.ends = {}
        # prefix of ids, of those requested -> number of counted transfers
        self.ids = {}

    def add(self, partition, end, fold, prefixes=()):
        self.ends[partition] = end
        self.outcomes.update(fold.outcomes)
        for prefix in prefixes:
            count = sum(identifier.startswith(prefix) for identifier in fold.sighted)
            self.ids[prefix] = self.ids.get(prefix, 0) + count
        for key, numbers in fold.buckets.items():
            add(self.buckets, key, numbers)
        for key, (settled, transfers) in fold.late.items():
            add(self.late, key, [settled, transfers, 0])


def add(sums, key, numbers):
    """Adds three numbers to the values of the key."""
    first, second, third = numbers
    total = sums.get(key)
    if total is None:
        sums[key] = [first, second, third]
    else:
        total[0] += first
        total[1] += second
        total[2] += third
