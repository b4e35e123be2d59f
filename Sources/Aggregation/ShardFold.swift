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
    /// How far a settlement may lie ahead of its record's stamp, in milliseconds.
    package static let futureMilliseconds: Int64 = 5 * 60_000
    /// A correction whose stamp is later than this after it was issued is void, in milliseconds.
    package static let correctionMilliseconds: Int64 = 10 * 60_000
    /// Records decoded ahead of being folded, so that the id look-ups of a batch overlap.
    static let batch = 256
    /// Ids for which room is made before any is seen: 32 MB of it.
    static let idsPreparedForMax: Int64 = 1_400_000
    /// How much longer than any rule needs an id is kept, in minutes.
    private static let idsMarginMinutes = 120

    let settings: FoldSettings
    var decoder: RecordDecoder
    var ids: IDMemory
    var ring: MinuteRing
    var lateRing: MinuteRing
    let decoded: UnsafeMutablePointer<DecodedTransfer>
    /// Keeps the batch's touching reads alive.
    var touched: UInt64 = 0
    /// The start of the minute of the last stamp, in milliseconds, and the minute.
    var stampMinute: (start: Int64, number: Int32) = (0, 0)

    /// The offset up to which the partition is folded, exclusive.
    package internal(set) var coverage: Int64
    package internal(set) var counters = OutcomeCounters()
    package internal(set) var marker: LedgerMarker?
    /// Transfers that were folded but left the retention before they were pushed.
    package internal(set) var missed = MissedMoney()
    /// How far back the state reaches.
    package private(set) var claims: Claims
    /// `claims.idsFrom`, as the rules read it.
    private(set) var idsFrom: Int32
    /// See `FoldStart.continuedMilliseconds`; nil once ids-from is known.
    private var continuedMilliseconds: Int64?
    /// Of the minutes before ids-from, the seed holds what records below this offset did.
    package let seedWatermark: Int64
    /// Until it is reached, records only fill the id memory; nil once it is.
    var foldFrom: Int64?
    private var expected: [Fingerprint]
    /// The greatest offset in `expected` that is still to come.
    var lastExpected: Int64
    /// Whether a record that an HQ remembers turned out to be another one.
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

    /// - Parameter memory: where the table of ids lives.
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
            // A seed below the first offset leaves a gap between them that nothing fills.
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

    /// Takes the end of the partition to be `offset` where the log holds no record below it that is
    /// still to come: what lies between is the log's own (transaction markers, compaction).
    package mutating func reachedEnd(at offset: Int64) {
        if offset > coverage { coverage = offset }
    }

    /// Notes that the broker, asked at `time` by the node's clock, answered that the log ends at
    /// `end`.
    package mutating func learnedEnd(_ end: Int64, askedAt time: UnixTime) {
        let proof = EndProof(end: end, askedAt: time)
        // A shard that is always a little behind reaches the oldest, never the newest.
        if openProofs.oldest == nil { openProofs.oldest = proof } else { openProofs.newest = proof }
        settleProofs()
    }

    private mutating func settleProofs() {
        while let proof = openProofs.oldest, coverage >= proof.end {
            provenThrough = max(provenThrough ?? proof.askedAt, proof.askedAt)
            openProofs = (openProofs.newest, nil)
        }
    }

    /// When, by the node's clock, the shard had provably seen all of its partition; nil before the
    /// first proof. A stamp proves nothing, nor does a broker that does not answer.
    package mutating func proof() -> UnixTime? {
        settleProofs()
        return provenThrough
    }

    // MARK: - The floor

    /// The first minute that is held.
    package var floor: Minute { ring.floor }

    /// Drops minutes before `floor`, and ids that no record can need any more. No outcome depends
    /// on it.
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

    /// Buckets that are held, late ones included.
    package var bucketCount: Int { ring.count + lateRing.count }

    /// Keeps the state within `bucketsMax` buckets: raises the floor where it holds more. Nil where
    /// it does not; else the new floor.
    package mutating func shrink(toAtMost bucketsMax: Int, pushed: Int64 = .max) -> Minute? {
        guard bucketCount > bucketsMax else { return nil }
        // With room, so that the next record does not raise it again.
        let half = bucketsMax / 16 * 7
        let raised = max(ring.floor(forAtMost: half), lateRing.floor(forAtMost: half))
        raiseFloor(to: raised, pushed: pushed)
        return raised
    }

    // MARK: - Contents

    /// All minutes that are held.
    private var held: ClosedRange<Minute> { ring.floor...Minute(.max) }

    /// The minutes that a delta of the whole shard replaces at HQ.
    package var replaced: ClosedRange<Minute> { max(claims.idsFrom, ring.floor)...Minute(.max) }

    /// The buckets of `minutes` that changed at or after `base`, and the late money that did; 0
    /// names all that are not zero.
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

    /// A record of the log that an HQ remembers: another one there means another log.
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
