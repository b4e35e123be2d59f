internal import CivilTime
internal import DeltaProtocol

extension WireFoldVersion {
    init(_ version: FoldVersion) {
        self.init()
        self.rules = version.rules
        self.settings = version.settings
        self.digest = version.digest
    }

    var value: FoldVersion { FoldVersion(rules: rules, settings: settings, digest: digest) }
}

extension WireFingerprint {
    init(_ fingerprint: Fingerprint) {
        self.init()
        self.timestampMs = fingerprint.timestamp
        self.crc = fingerprint.crc
        self.offset = fingerprint.offset
    }

    /// In version 1 the offset was always the one right below the coverage.
    func value(below coverage: Int64) -> Fingerprint {
        Fingerprint(
            offset: hasOffset ? offset : coverage - 1, timestamp: timestampMs, crc: crc)
    }
}

extension WireLedgerMarker {
    init(_ marker: LedgerMarker) {
        self.init()
        self.lsn = marker.lsn
        self.system = marker.system
        self.timeline = marker.timeline
        self.markedAtMs = marker.markedAt.milliseconds
    }

    func marker() throws(ShardProblem) -> LedgerMarker {
        guard system.utf8.count <= Limits.ledgerSystemBytes else { throw .ledgerSystem }
        return LedgerMarker(
            lsn: lsn, system: system, timeline: timeline,
            markedAt: UnixTime(milliseconds: markedAtMs))
    }
}

extension WireMinuteRange {
    init(_ minutes: ClosedRange<Minute>) {
        self.init()
        self.from = minutes.lowerBound.number
        self.to = minutes.upperBound.number
    }

    func range() throws(ShardProblem) -> ClosedRange<Minute> {
        guard from <= to else { throw .minuteRange }
        return Minute(from)...Minute(to)
    }
}

extension WireDigest {
    init(_ digest: ShardDelta.RangeDigest) {
        self.init()
        self.minute = digest.minutes.lowerBound.number
        self.toMinute = digest.minutes.upperBound.number
        self.high = digest.digest.high
        self.low = digest.digest.low
    }

    func value() throws(ShardProblem) -> ShardDelta.RangeDigest {
        let last = hasToMinute ? toMinute : .max
        guard minute <= last else { throw .minuteRange }
        return ShardDelta.RangeDigest(
            minutes: Minute(minute)...Minute(last), digest: ShardDigest(high: high, low: low))
    }
}

extension WireCounters {
    init(_ counters: ShardCounters) {
        self.init()
        self.applied = counters.applied
        self.duplicate = counters.duplicate
        self.late = counters.late
        self.rejected = counters.rejected
        self.control = counters.control
        self.conflicts = counters.conflicts
    }

    /// The bounds keep the sum of all counters from overflowing.
    func counters() throws(ShardProblem) -> ShardCounters {
        let all = [applied, duplicate, late, rejected, control, conflicts]
        guard all.allSatisfy({ (0...Limits.sumMagnitude).contains($0) }) else { throw .counter }
        var counters = ShardCounters()
        counters.applied = applied
        counters.duplicate = duplicate
        counters.late = late
        counters.rejected = rejected
        counters.control = control
        counters.conflicts = conflicts
        return counters
    }
}
