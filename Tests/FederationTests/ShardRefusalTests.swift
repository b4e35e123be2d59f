import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Testing

@Suite struct ShardRefusalTests {
    private func reason(
        _ delta: ShardDelta, stored: StoredShard? = Merge.stored(10),
        context: MergeContext = Merge.context()
    ) -> RefusalReason? {
        let decision = Merge.decide(delta, stored: stored, context: context)
        guard case .refused(let reason) = decision.reply.outcome else { return nil }
        #expect(decision.commit == nil)
        #expect(decision.reply.watermark == stored?.watermark ?? 0)
        return reason
    }

    @Test func `unknown logs and partitions are refused`() {
        let delta = Merge.delta(base: 0, coverage: 11)
        #expect(reason(delta, context: Merge.context(logs: [:])) == .unknownLog)
        #expect(reason(delta, context: Merge.context(logs: [Merge.log: 3])) == .unknownLog)
        #expect(reason(delta, context: Merge.context(logs: [Merge.log: 4])) == nil)
        var beyond = delta
        beyond.partition = ShardID.maximumPartitions
        #expect(reason(beyond, context: Merge.context(logs: [Merge.log: .max])) == .unknownLog)
        beyond.partition -= 1
        #expect(reason(beyond, context: Merge.context(logs: [Merge.log: .max])) == nil)
        beyond.partition = -1
        #expect(reason(beyond, context: Merge.context(logs: [Merge.log: .max])) == .unknownLog)
    }

    @Test func `impossible offsets are malformed`() {
        #expect(reason(Merge.delta(base: -1, coverage: 11)) == .malformed)
        #expect(reason(Merge.delta(base: 12, coverage: 11)) == .malformed)
        #expect(reason(Merge.delta(base: 0, coverage: -1)) == .malformed)
    }

    @Test func `ranges that no state can replace are malformed`() {
        var nothing = Merge.delta(base: 0, coverage: 11)
        nothing.replaced = nil
        #expect(reason(nothing) == .malformed)
        #expect(reason(Merge.delta(base: 10, coverage: 11, heals: 1...60)) == nil)
        #expect(reason(Merge.delta(base: 10, coverage: 11, heals: 1...61)) == .malformed)
        #expect(
            reason(Merge.delta(base: 10, coverage: 11, idsFrom: 100, heals: 90...101))
                == .malformed)
    }

    @Test func `a last record outside the coverage is malformed`() {
        for offset in [-1, 11] as [Int64] {
            let print = Fingerprint(offset: offset, timestamp: 1, crc: 1)
            #expect(reason(Merge.delta(base: 0, coverage: 11, fingerprint: print)) == .malformed)
        }
    }

    @Test func `a marker with an overlong system name is malformed`() {
        var delta = Merge.delta(base: 0, coverage: 11)
        delta.marker = LedgerMarker(
            lsn: 1, system: String(repeating: "7", count: Limits.ledgerSystemBytes), timeline: 1,
            markedAt: Merge.now)
        #expect(reason(delta) == nil)
        delta.marker?.system += "7"
        #expect(reason(delta) == .malformed)
    }

    @Test func `buckets out of order or repeated are refused`() {
        let a = Merge.bucket(5, Merge.eur, 1)
        let b = Merge.bucket(5, Merge.usd, 1)
        let c = Merge.bucket(4, Merge.eur, 1)
        for wrong in [[b, a], [c, b], [a, a], [a, b, c, c]] {
            #expect(reason(Merge.delta(base: 0, coverage: 11, buckets: wrong)) == .unsorted)
            #expect(reason(Merge.delta(base: 0, coverage: 11, late: wrong)) == .unsorted)
        }
        #expect(reason(Merge.delta(base: 0, coverage: 11, buckets: [a, b, c])) == nil)
    }

    @Test func `values outside the bounds are refused`() {
        let limit = Limits.sumMagnitude
        for (settled, transfers, correction) in [
            (limit + 1, 1, 0), (-limit - 1, 1, 0), (0, 1, limit + 1), (0, 1, -limit - 1),
            (0, -1, 0), (0, limit + 1, 0), (Int64.min, 1, Int64.min), (Int64.max, 1, Int64.max),
        ] as [(Int64, Int64, Int64)] {
            let bucket = Merge.bucket(5, Merge.usd, settled, transfers, correction)
            #expect(reason(Merge.delta(base: 0, coverage: 11, buckets: [bucket])) == .overflow)
            #expect(reason(Merge.delta(base: 0, coverage: 11, late: [bucket])) == .overflow)
        }
        let full = Merge.bucket(5, Merge.usd, limit, limit, limit)
        #expect(reason(Merge.delta(base: 0, coverage: 11, buckets: [full])) == nil)
    }

    @Test func `more buckets than a shard can hold are malformed`() {
        let one = Merge.bucket(5, Merge.usd, 1)
        let many = Array(repeating: one, count: Limits.bucketsPerShard + 1)
        #expect(reason(Merge.delta(base: 0, coverage: 11, buckets: many)) == .malformed)
    }

    @Test func `fold versions are compared before offsets`() {
        let older = FoldVersion(rules: 2, settings: 4, digest: 1)
        let olderRules = FoldVersion(rules: 1, settings: 9, digest: 1)
        let conflict = FoldVersion(rules: 2, settings: 5, digest: 1)
        for coverage in [9, 10, 11] as [Int64] {
            for version in [older, olderRules] {
                #expect(
                    reason(
                        Merge.delta(base: 0, coverage: coverage),
                        context: Merge.context(version: version)) == .foldVersionOlder)
            }
            #expect(
                reason(
                    Merge.delta(base: 0, coverage: coverage),
                    context: Merge.context(version: conflict)) == .foldVersionConflict)
        }
    }

    @Test(arguments: [
        FoldVersion(rules: 2, settings: 6, digest: 1),
        FoldVersion(rules: 3, settings: 0, digest: 1),
    ])
    func `a newer fold version replaces the whole shard, no earlier than the watermark`(
        newer: FoldVersion
    ) throws {
        let context = Merge.context(version: newer)
        #expect(
            reason(Merge.delta(base: 10, coverage: 11), context: context)
                == .foldVersionNeedsBaseZero)
        // A node that is still catching up sends only changes: it is not there yet, and that is
        // all.
        for base in [0, 5] as [Int64] {
            let early = Merge.decide(
                Merge.delta(base: base, coverage: 9), stored: Merge.stored(10), context: context)
            #expect(early.reply.outcome == .repeat)
            #expect(early.reply.watermark == 10)
            #expect(early.commit == nil)
        }
        for coverage in [10, 11] as [Int64] {
            let taken = Merge.decide(
                Merge.delta(
                    base: 0, coverage: coverage, buckets: [Merge.bucket(5, Merge.usd, 3)]),
                stored: Merge.stored(10), old: [Merge.bucket(4, Merge.usd, 1)], context: context)
            let commit = try #require(taken.commit)
            #expect(commit.changes.map(\.value.settled) == [3, 0])
            #expect(commit.watermark == Merge.stored(coverage, version: newer).text)
        }
    }

    @Test func `another record at the watermark is refused`() throws {
        let ours = Fingerprint(offset: 9, timestamp: 1, crc: 2)
        let stored = Merge.stored(10, fingerprint: ours)
        for theirs in [
            Fingerprint(offset: 9, timestamp: 1, crc: 3),
            Fingerprint(offset: 9, timestamp: 2, crc: 2),
            Fingerprint(offset: 8, timestamp: 1, crc: 2),
        ] {
            #expect(
                reason(Merge.delta(base: 10, coverage: 10, fingerprint: theirs), stored: stored)
                    == .fingerprint)
            #expect(
                reason(
                    Merge.delta(base: 10, coverage: 12, baseFingerprint: theirs), stored: stored)
                    == .fingerprint)
            // A later coverage legitimately has another last record.
            #expect(
                reason(Merge.delta(base: 10, coverage: 11, fingerprint: theirs), stored: stored)
                    == nil)
        }
        #expect(reason(Merge.delta(base: 10, coverage: 10), stored: stored) == nil)
        let filled = Merge.decide(
            Merge.delta(base: 10, coverage: 10, fingerprint: ours), stored: Merge.stored(10))
        #expect(try #require(filled.commit).watermark == stored.text)
    }
}
