package import CivilTime
package import DeltaProtocol
package import Money

/// The state of one shard: `fold(log[0 ..< coverage])`.
///
/// A pure function of record bytes, record timestamps, offsets and `FoldSettings`; never of a
/// clock, a random number or hash order. Two nodes that fold the same prefix hold the same bits.
/// The rules stand in `ShardFold+Rules`. One owner, any thread.
@safe
package struct ShardFold: ~Copyable {
    /// Before the first minute of any calendar: a state that knows its log from the beginning.
    package static let fromTheBeginning = Minute(.min)
    /// How far a settlement may lie ahead of what the log shows, in milliseconds.
    package static let futureMilliseconds: Int64 = 5 * 60_000
    /// Records decoded ahead of being folded, so that the id look-ups of a batch overlap.
    static let batch = 256
    /// Ids for which room is made before any is seen: 32 MB of it.
    static let idsPreparedForMax: Int64 = 1_400_000
    /// Log time before the first record.
    static let noLogTime = Int64.min

    let settings: FoldSettings
    var decoder: RecordDecoder
    var ids: IDMemory
    var ring: MinuteRing
    var lateRing: MinuteRing
    let decoded: UnsafeMutablePointer<DecodedTransfer>
    /// Keeps the batch's touching reads alive.
    var touched: UInt64 = 0

    /// The offset up to which the partition is folded, exclusive.
    package internal(set) var coverage: Int64
    /// In milliseconds; `noLogTime` before the first record that sets it.
    var logTimeMilliseconds = ShardFold.noLogTime
    var logMinute: Int32 = 0
    /// The last minute that a seed or a correction brought, which log time may not have come to
    /// yet: a log whose records were all taken by retention has none.
    var greatestGivenMinute: Minute?
    package internal(set) var counters = OutcomeCounters()
    package internal(set) var marker: LedgerMarker?
    /// The first minute that the state knows in full.
    package let completeFrom: Minute
    /// Of the minutes before this one, only records at `seedWatermark` or later are added.
    let knownFrom: Minute
    let seedWatermark: Int64
    /// Until it is reached, records only fill the id memory; nil once it is.
    var foldFrom: Int64?
    let expected: FoldStart.ExpectedRecord?
    /// Whether the record that HQ remembers turned out to be another one.
    package internal(set) var hasForeignRecord = false
    /// The last record folded, where it stands at `coverage` − 1.
    package internal(set) var fingerprint: Fingerprint?

    /// The newest answered question for the log's end.
    private var endProof: (end: Int64, askedAt: UnixTime)?
    private var provenThrough: UnixTime?

    /// - Parameter memory: where the table of ids lives.
    package init(
        settings: FoldSettings, start: FoldStart = FoldStart(), memory: ZeroedMemory = .heap
    ) {
        self.settings = settings
        decoder = RecordDecoder(key: settings.idKey)
        ids = IDMemory(
            expected: Int(min(max(start.waitingRecords, 0), Self.idsPreparedForMax)),
            memory: memory)
        ring = MinuteRing()
        lateRing = MinuteRing()
        unsafe decoded = .allocate(capacity: Self.batch)
        unsafe decoded.initialize(repeating: .none, count: Self.batch)
        coverage = start.offset
        foldFrom = start.foldFrom?.milliseconds
        expected = start.expected
        let known = start.knownFrom ?? Self.fromTheBeginning
        knownFrom = known
        // A seed below the first offset leaves a gap between them that nothing fills.
        if let seed = start.seed, seed.watermark >= start.offset, seed.completeFrom < known {
            seedWatermark = seed.watermark
            completeFrom = seed.completeFrom
            for bucket in seed.values.buckets where (seed.completeFrom..<known) ~= bucket.minute {
                ring.set(bucket, changed: seed.watermark - 1)
            }
            for bucket in seed.values.late where (seed.completeFrom..<known) ~= bucket.minute {
                lateRing.set(bucket, changed: seed.watermark - 1)
            }
            greatestGivenMinute = (seed.values.buckets + seed.values.late)
                .map(\.minute).filter { (seed.completeFrom..<known) ~= $0 }.max()
        } else {
            seedWatermark = 0
            completeFrom = known
        }
    }

    deinit { unsafe decoded.deallocate() }

    /// The time that the log itself shows; nil before the first transfer or marker.
    package var logTime: UnixTime? {
        logTimeMilliseconds == Self.noLogTime
            ? nil : UnixTime(milliseconds: logTimeMilliseconds)
    }

    /// The minutes that the state retains: those around its log time, or, where seeds and
    /// corrections came to later ones, around the earliest log time that allows them. Nil while
    /// there is nothing to retain.
    package var retention: ClosedRange<Minute>? {
        let given = greatestGivenMinute?.advanced(by: 1 - Limits.futureMinutes)
        guard let minute = [logTime?.minute, given].compactMap({ $0 }).max() else { return nil }
        return minute.advanced(
            by: 1 - Limits.retainedMinutes)...minute.advanced(by: Limits.futureMinutes - 1)
    }

    /// Takes the end of the partition to be `offset` where the log holds no record below it that is
    /// still to come: what lies between is the log's own (transaction markers, compaction).
    package mutating func reachedEnd(at offset: Int64) {
        guard offset > coverage else { return }
        coverage = offset
        fingerprint = nil
    }

    /// Notes that the broker, asked at `time`, answered that the log ends at `end`.
    package mutating func learnedEnd(_ end: Int64, askedAt time: UnixTime) {
        settleEndProof()
        endProof = (end, time)
        settleEndProof()
    }

    private mutating func settleEndProof() {
        guard let proof = endProof, coverage >= proof.end else { return }
        provenThrough = max(provenThrough ?? proof.askedAt, proof.askedAt)
        endProof = nil
    }

    /// The time up to which the shard has provably seen its partition.
    package mutating func observedThrough() -> UnixTime? {
        settleEndProof()
        var observed = provenThrough
        if let logTime { observed = max(observed ?? logTime, logTime) }
        guard settings.isRelayed else { return observed }
        guard let seen = observed, let marker else { return nil }
        return min(seen, marker.markedAt)
    }

    /// The buckets that changed at or after `base`, and the late money that did; 0 names all that
    /// the state knows in full.
    package func changes(since base: Int64) -> ShardStatus.Values {
        guard let minutes = knownMinutes else {
            return ShardStatus.Values(buckets: [], late: [])
        }
        return ShardStatus.Values(
            buckets: ring.buckets(changedSince: base, in: minutes),
            late: lateRing.buckets(changedSince: base, in: minutes))
    }

    /// A digest of the buckets from `minute` on.
    package func digest(from minute: Minute) -> ShardDigest {
        guard let minutes = knownMinutes, minute <= minutes.upperBound else {
            return ShardDigest()
        }
        return ring.digest(of: max(minute, minutes.lowerBound)...minutes.upperBound)
    }

    /// One bucket, as folded so far.
    package func value(minute: Minute, currency: Currency) -> BucketValue {
        guard let retention, retention ~= minute else { return .zero }
        return ring.value(minute: minute, currency: currency)
    }

    /// Those retained minutes that the state knows in full.
    private var knownMinutes: ClosedRange<Minute>? {
        guard let retention, completeFrom <= retention.upperBound else { return nil }
        return max(retention.lowerBound, completeFrom)...retention.upperBound
    }
}
