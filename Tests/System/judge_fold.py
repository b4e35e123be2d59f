"""The fold of one partition, straight from its rules; the truth that HQ must equal.

Nothing is ever evicted here: what a minute once received stays known, and the judge looks only
at the minutes that the store still keeps.
"""
import collections

from judge_records import CORRECTION, IGNORED, TRANSFER, Rejected, decode

FUTURE_MS = 5 * 60_000
RETAINED_MINUTES = 1_500
ID_HORIZON_MINUTES = 25 * 60 + 10
SUM_MAX = 1 << 52


class PartitionFold:
    """Feed `fold` with every record, in offset order."""

    def __init__(self):
        # In milliseconds; None before the first transfer or marker that was not rejected.
        self.log_time = None
        # (minute, currency) -> [settled, transfers, correction]
        self.buckets = {}
        # (log-time minute of arrival, currency) -> [settled, transfers]
        self.late = {}
        # id -> log-time minute of its last sighting
        self.sighted = {}
        self.sighted_corrections = {}
        self.outcomes = collections.Counter()

    def fold(self, value, timestamp):
        """`value` is bytes or None, `timestamp` milliseconds or None where the record has none."""
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
        if timestamp is None:
            raise Rejected("timestamp")
        if kind is TRANSFER:
            return self.transfer(record, timestamp)
        if kind is CORRECTION:
            return self.correction(record, timestamp)
        return self.marker(record, timestamp)

    def is_future(self, event, timestamp):
        newest = timestamp if self.log_time is None else max(timestamp, self.log_time)
        return event > newest + FUTURE_MS

    def log_time_with(self, event, timestamp):
        """Log time once this record counts: one bad clock cannot move it alone."""
        shown = min(timestamp, event + FUTURE_MS)
        return shown if self.log_time is None else max(self.log_time, shown)

    def transfer(self, record, timestamp):
        _, identifier, currency, amount, event = record
        if self.is_future(event, timestamp):
            raise Rejected("future")
        log_time = self.log_time_with(event, timestamp)
        now, minute = log_time // 60_000, event // 60_000
        seen = self.sighted.get(identifier)
        if seen is not None and now - seen <= ID_HORIZON_MINUTES:
            self.log_time = log_time
            self.sighted[identifier] = now
            return "duplicate"
        if minute <= now - RETAINED_MINUTES:
            bucket, outcome = self.late.setdefault((now, currency), [0, 0]), "late"
        else:
            bucket, outcome = self.buckets.setdefault((minute, currency), [0, 0, 0]), "applied"
        if bucket[0] + amount > SUM_MAX:
            raise Rejected("overflow")
        self.log_time = log_time
        self.sighted[identifier] = now
        bucket[0] += amount
        bucket[1] += 1
        return outcome

    def correction(self, record, timestamp):
        """Neither moves log time nor shares ids with transfers."""
        _, identifier, currency, minute, delta, before = record
        if self.is_future(minute * 60_000, timestamp):
            return "control:future"
        now = (timestamp if self.log_time is None else self.log_time) // 60_000
        seen = self.sighted_corrections.get(identifier)
        if seen is not None and now - seen <= ID_HORIZON_MINUTES:
            self.sighted_corrections[identifier] = now
            return "control:duplicate"
        outcome = "control:late" if minute <= now - RETAINED_MINUTES else "control:applied"
        if outcome == "control:applied":
            bucket = self.buckets.setdefault((minute, currency), [0, 0, 0])
            if bucket[2] != before:
                outcome = "control:void"
            elif abs(bucket[2] + delta) > SUM_MAX:
                raise Rejected("overflow")
            else:
                bucket[2] += delta
        self.sighted_corrections[identifier] = now
        return outcome

    def marker(self, record, timestamp):
        event = record[1]
        if self.is_future(event, timestamp):
            return "control:future"
        self.log_time = self.log_time_with(event, timestamp)
        return "control:marker"


class RegionTruth:
    """What a region's topic says, summed over its partitions."""

    def __init__(self):
        # (minute, currency) -> [settled, transfers, correction]
        self.buckets = {}
        # The same of late money, by log-time minute of arrival.
        self.late = {}
        self.outcomes = collections.Counter()
        # partition -> end offset
        self.ends = {}
        # What ids begin with, of the beginnings asked for -> how many transfers count
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
    """Adds three numbers to what stands under the key."""
    first, second, third = numbers
    total = sums.get(key)
    if total is None:
        sums[key] = [first, second, third]
    else:
        total[0] += first
        total[1] += second
        total[2] += third
