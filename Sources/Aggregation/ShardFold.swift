package import CivilTime
package import DeltaProtocol
package import Money

/// The state of one shard: `fold(log[0 ..< coverage])`.
///
/// A pure function of record bytes, record timestamps, offsets and `FoldSettings`; never of a
/// clock, a random number or hash order. Two nodes that fold the same prefix hold the same bits
/// wherever both claim to know. The rules are in `ShardFold+Rules`. One owner, any thread.
@safe
package struct ShardFold: ~Copyable {
    /// How much later than its record's stamp a settlement may be, in milliseconds.
    package static let futureMilliseconds: Int64 = 5 * 60_000
    /// A correction whose stamp is later than this after it was issued is void, in milliseconds.
    package static let correctionMilliseconds: Int64 = 10 * 60_000
    /// Records decoded before any of them is folded, so that a batch's id look-ups overlap.
    static let batch = 256
    /// The largest number of ids for which room is made in advance: 32 MB.
    static let idsPreparedForMax: Int64 = 1_400_000
    /// How much longer than the rules need it an id is kept, in minutes.
    private static let idsMarginMinutes = 120

    let settings: FoldSettings
    var decoder: RecordDecoder
    var ids: IDMemory
    var ring: MinuteRing
    var lateRing: MinuteRing
    let decoded: UnsafeMutablePointer<DecodedTransfer>
    /// Keeps the compiler from removing the batch's prefetching reads.
    var touched: UInt64 = 0
    /// The minute of the last stamp: its start in milliseconds, and its number.
    var stampMinute: (start: Int64, number: Int32) = (0, 0)

    /// The offset up to which the partition is folded, exclusive.
    package internal(set) var coverage: Int64
    package internal(set) var counters = OutcomeCounters()
    package internal(set) var marker: LedgerMarker?
    /// Transfers that were folded but left the retention before they were pushed.
    package internal(set) var missed = MissedMoney()
    /// How far back the state reaches.
    package private(set) var claims: Claims
    /// `claims.idsFrom` as a number, for the rules.
    private(set) var idsFrom: Int32
    /// See `FoldStart.continuedMilliseconds`; nil once ids-from is known.
    private var continuedMilliseconds: Int64?
    /// For minutes before ids-from, the seed contains the effect of the records below this offset.
    package let seedWatermark: Int64
    /// Records before the first one stamped at or after this time only sight ids; nil from that one
    /// on.
    var foldFrom: Int64?
    private var expected: [Fingerprint]
    /// The greatest offset in `expected` that has not been read.
    var lastExpected: Int64
    /// True if a record differs from the fingerprint that an HQ holds for its offset.
    package internal(set) var hasForeignRecord = false
    /// The last record folded.
    package internal(set) var fingerprint: Fingerprint?

    /// The oldest and the newest answered question for the log's end that coverage has not reached.
    private var openProofs: (oldest: EndProof?, newest: EndProof?)
    private var provenThrough: UnixTime?

    private struct EndProof {
        var end: Int64
        var askedAt: UnixTime
    }

    /// - Parameter memory: allocates the id table.
    package init(
        settings: FoldSettings, start: FoldStart = FoldStart(), memory: ZeroedMemory = .heap
    ) {
        self.settings = settings
        decoder = RecordDecoder(key: settings.idKey, settledWords: settings.settledWords)
        ids = IDMemory(
            expected: Int(min(max(start.waitingRecords, 0), Self.idsPreparedForMax)),
            memory: memory)
        ring = MinuteRing(floor: start.floor)
        lateRing = MinuteRing(floor: start.floor)
        unsafe decoded = .allocate(capacity: Self.batch)
        unsafe decoded.initialize(repeating: .none, count: Self.batch)
        coverage = start.offset
        foldFrom = start.foldFrom?.milliseconds
        continuedMilliseconds = start.continuedMilliseconds
        expected = start.expected.filter { $0.offset >= start.offset }
        lastExpected = expected.map(\.offset).max() ?? -1
        idsFrom = start.idsFrom.number
        var valuesFrom = start.idsFrom
        if let seed = start.seed, seed.watermark > 0, seed.valuesFrom < start.idsFrom {
            seedWatermark = seed.watermark
            for bucket in seed.values.buckets where bucket.minute < start.idsFrom {
                ring.set(bucket, changed: seed.watermark - 1)
            }
            for bucket in seed.values.late where bucket.minute < start.idsFrom {
                lateRing.set(bucket, changed: seed.watermark - 1)
            }
            // A seed below the first offset leaves a gap that nothing fills.
            if seed.watermark >= start.offset { valuesFrom = seed.valuesFrom }
        } else {
            seedWatermark = 0
        }
        claims = Claims(
            valuesFrom: valuesFrom, idsFrom: start.idsFrom, idsShortUntil: start.idsShortUntil)
    }

    deinit { unsafe decoded.deallocate() }

    /// If the log continues another one, sets ids-from from the first record with a sound stamp.
    /// Nodes that joined before and after that record was written reach the same state. Records
    /// without a sound stamp are rejected, so until then there is no money and the state may claim
    /// every minute.
    mutating func settleIDsFrom(before records: UnsafeBufferPointer<LogRecord>.SubSequence) {
        guard let continuedMilliseconds,
            let first = unsafe records.first(where: { unsafe Self.hasSoundStamp($0.timestamp) })
        else { return }
        self.continuedMilliseconds = nil
        let last = unsafe UnixTime(milliseconds: first.timestamp) + continuedMilliseconds
        claims = Claims(
            valuesFrom: claims.valuesFrom, idsFrom: last.minute.advanced(by: 1),
            idsShortUntil: claims.idsShortUntil)
        idsFrom = claims.idsFrom.number
    }

    // MARK: - The log's end

    /// Raises the coverage to `offset`, the partition's end, if no record below it is still to
    /// come. The offsets skipped belong to transaction markers or compaction.
    package mutating func reachedEnd(at offset: Int64) {
        if offset > coverage { coverage = offset }
    }

    /// Notes that the broker, asked at `time` by the node's clock, answered that the log ends at
    /// `end`.
    package mutating func learnedEnd(_ end: Int64, askedAt time: UnixTime) {
        let proof = EndProof(end: end, askedAt: time)
        // A shard that is always slightly behind reaches the oldest end, never the newest.
        if openProofs.oldest == nil { openProofs.oldest = proof } else { openProofs.newest = proof }
        settleProofs()
    }

    private mutating func settleProofs() {
        while let proof = openProofs.oldest, coverage >= proof.end {
            provenThrough = max(provenThrough ?? proof.askedAt, proof.askedAt)
            openProofs = (openProofs.newest, nil)
        }
    }

    /// The latest time, by the node's clock, at which the shard had provably seen all of its
    /// partition; nil before the first proof. Neither a stamp nor a broker that does not answer
    /// proves anything.
    package mutating func proof() -> UnixTime? {
        settleProofs()
        return provenThrough
    }

    // MARK: - The floor

    /// The first minute that the state holds.
    package var floor: Minute { ring.floor }

    /// Drops minutes before `floor`, and ids that no record can need any more. No outcome depends
    /// on the floor.
    ///
    /// - Parameter pushed: the offset below which every HQ has received everything. Dropped buckets
    ///   that changed later count as missed.
    package mutating func raiseFloor(to floor: Minute, pushed: Int64 = .max) {
        guard floor > ring.floor else { return }
        if pushed < coverage {
            let dropped = ring.floor...floor.advanced(by: -1)
            for held in [
                ring.cells(changedSince: pushed, in: dropped),
                lateRing.cells(changedSince: pushed, in: dropped),
            ] {
                for (bucket, changed) in held where bucket.value.transfers > 0 {
                    missed.add(
                        settled: bucket.value.settled, transfers: bucket.value.transfers,
                        of: bucket.currency, offset: changed)
                }
            }
        }
        ring.raiseFloor(to: floor)
        lateRing.raiseFloor(to: floor)
        guard let proven = proof() else { return }
        let present = min(proven.minute, floor.advanced(by: Limits.retainedMinutes))
        ids.free(
            through: present.advanced(by: -Self.idsMarginMinutes - Limits.retainedMinutes).number)
    }

    /// Drops missed money that every HQ has received.
    ///
    /// - Parameter offsets: the possible watermarks of all HQs.
    package mutating func shortenMissed(between offsets: [Int64]) {
        missed.shorten(between: offsets)
    }

    /// Buckets held, late ones included.
    package var bucketCount: Int { ring.count + lateRing.count }

    /// Raises the floor if the state holds more than `bucketsMax` buckets. Returns the new floor,
    /// or nil if it did not have to.
    package mutating func shrink(toAtMost bucketsMax: Int, pushed: Int64 = .max) -> Minute? {
        guard bucketCount > bucketsMax else { return nil }
        // Leave room, so that the next record does not raise the floor again.
        let half = bucketsMax / 16 * 7
        let raised = max(ring.floor(forAtMost: half), lateRing.floor(forAtMost: half))
        raiseFloor(to: raised, pushed: pushed)
        return raised
    }

    // MARK: - Contents

    /// All minutes that the state holds.
    private var held: ClosedRange<Minute> { ring.floor...Minute(.max) }

    /// The minutes that a delta of the whole shard replaces at HQ.
    package var replaced: ClosedRange<Minute> { max(claims.idsFrom, ring.floor)...Minute(.max) }

    /// The buckets and late money of `minutes` that changed at or after `base`. A base of 0 returns
    /// all that are not zero.
    package func changes(
        since base: Int64, in minutes: ClosedRange<Minute>? = nil
    ) -> ShardStatus.Values {
        ShardStatus.Values(
            buckets: ring.buckets(changedSince: base, in: minutes ?? held),
            late: lateRing.buckets(changedSince: base, in: minutes ?? held))
    }

    /// A digest of the buckets and late money of `minutes`.
    package func digest(of minutes: ClosedRange<Minute>) -> ShardDigest {
        var digest = ShardDigest()
        ring.add(minutes, to: &digest, areLate: false)
        lateRing.add(minutes, to: &digest, areLate: true)
        return digest
    }

    /// One bucket, as folded so far.
    package func value(minute: Minute, currency: Currency) -> BucketValue {
        ring.value(minute: minute, currency: currency)
    }

    /// Late money of one (currency, minute), as folded so far.
    package func lateValue(minute: Minute, currency: Currency) -> BucketValue {
        lateRing.value(minute: minute, currency: currency)
    }

    // MARK: - Fingerprints

    /// Checks a fingerprint that an HQ holds: another record at its offset means another log.
    package mutating func expect(_ record: Fingerprint) {
        if record.offset == fingerprint?.offset {
            if record != fingerprint { hasForeignRecord = true }
        } else if record.offset >= coverage {
            expected.append(record)
            lastExpected = max(lastExpected, record.offset)
        }
    }

    mutating func compare(_ found: Fingerprint) {
        for record in expected where record.offset == found.offset && record != found {
            hasForeignRecord = true
        }
        expected.removeAll { $0.offset <= found.offset }
        lastExpected = expected.map(\.offset).max() ?? -1
    }

    func isExpected(_ offset: Int64) -> Bool { expected.contains { $0.offset == offset } }
}
