import Aggregation
import CivilTime
import DeltaProtocol
import Money
import Testing
import Topology

@Suite struct ShardRebuildTests {
    static let now = Records.noon
    private static let hour: Int64 = 3_600_000

    private static func status(
        _ watermark: Int64, from: Minute, fingerprint: Fingerprint? = nil,
        values: ShardStatus.Values? = nil
    ) -> ShardStatus {
        ShardStatus(
            log: LogID(unchecked: "l"), partition: 0, watermark: watermark, completeFrom: from,
            foldVersion: Records.settings.version, fingerprint: fingerprint, values: values)
    }

    private static func start(_ plan: ShardJoin.Plan) throws -> FoldStart {
        guard case .start(let start) = plan else { throw Unexpected() }
        return start
    }

    private struct Unexpected: Error {}

    private static func plan(
        _ facts: ShardJoin.LogFacts, _ status: ShardStatus?,
        version: FoldVersion = Records.settings.version, hasAskedForValues: Bool = false
    ) -> ShardJoin.Plan {
        ShardJoin.plan(
            log: facts, status: status, version: version, hasAskedForValues: hasAskedForValues,
            now: now)
    }

    @Test func aLogFromItsBeginningIsKnownInFull() throws {
        let facts = ShardJoin.LogFacts(low: 0, high: 10, start: 0, startTimestamp: 0)
        let start = try Self.start(Self.plan(facts, nil))
        #expect(start.offset == 0)
        #expect(start.foldFrom == nil)
        let fold = ShardFold(settings: Records.settings, start: start)
        let from = fold.completeFrom
        #expect(from == ShardFold.fromTheBeginning)
    }

    @Test func aLongLogIsRememberedForTwiceTheHorizonAndFoldedForOne() throws {
        let facts = ShardJoin.LogFacts(
            low: 0, high: 900, start: 100,
            startTimestamp: (Self.now - ShardJoin.rememberMilliseconds).milliseconds)
        let start = try Self.start(Self.plan(facts, nil))
        #expect(start.offset == 100)
        #expect(start.foldFrom == Self.now - ShardJoin.foldMilliseconds)
        let known = try #require(start.knownFrom)
        #expect(known <= Self.now.minute.advanced(by: -1_499))
    }

    @Test func aPartitionThatEndsBelowTheWatermarkIsNotFolded() {
        let facts = ShardJoin.LogFacts(low: 0, high: 5, start: 0, startTimestamp: 0)
        let plan = Self.plan(facts, Self.status(6, from: Minute(0)))
        guard case .stop(.endsBelowWatermark) = plan else {
            Issue.record("\(plan)")
            return
        }
    }

    @Test func anotherRecordAtTheWatermarkIsNoticed() {
        for (crc, foreign) in [(UInt32(0), true), (nil, false)] {
            var original = ShardFold(settings: Records.settings)
            original.fold(Records.transfer("a"))
            var fingerprint = original.fingerprint
            if let crc { fingerprint?.crc = crc }
            let expected = fingerprint.map {
                FoldStart.ExpectedRecord(offset: 0, fingerprint: $0)
            }
            var fold = ShardFold(
                settings: Records.settings, start: FoldStart(expected: expected))
            fold.fold(Records.transfer("a"))
            let noticed = fold.hasForeignRecord
            #expect(noticed == foreign)
        }
    }

    /// A repeat whose original lies before the folded part must still be a repeat.
    @Test func aRebuiltNodeRemembersIDsOfBeforeTheFold() {
        let foldFrom = Self.now - ShardJoin.foldMilliseconds
        let early = foldFrom - 60_000
        let entries = [
            Entry(Records.transfer("a", "5", at: early), at: early),
            Entry(Records.transfer("b", at: foldFrom + 600_000), at: foldFrom + 600_000),
            Entry(Records.transfer("a", "5", at: early), at: Self.now - 2 * Self.hour),
            Entry(Records.transfer("a", "5", at: Self.now), at: Self.now),
        ]
        var fold = ShardFold(
            settings: Records.settings, start: FoldStart(offset: 0, foldFrom: foldFrom))
        fold.fold(entries)
        let counters = fold.counters
        #expect(counters.remembered == 1)
        #expect(counters.applied == 1)
        #expect(counters.duplicate == 2)
        #expect(counters.conflicts == 1)
    }

    /// The live fold never knew these ids: their first records were rejected, or came too early.
    @Test func aRebuiltNodeForgetsWhatTheFoldDidNotSight() {
        let foldFrom = Self.now - ShardJoin.foldMilliseconds
        let early = foldFrom - 60_000
        let minute = foldFrom.minute
        let entries = [
            Entry(Records.transfer("clock", at: early), at: early),
            Entry(Records.transfer("a", "4503599627370497", at: early), at: early),
            Entry(
                Records.correction("c", minute: minute.advanced(by: 5), delta: 7, before: 0),
                at: early),
            Entry(Records.transfer("a", "5", at: foldFrom), at: foldFrom),
            Entry(
                Records.correction("c", minute: minute, delta: 7, before: 0), at: foldFrom),
        ]
        var fold = ShardFold(
            settings: Records.settings, start: FoldStart(offset: 0, foldFrom: foldFrom))
        fold.fold(entries)
        let counters = fold.counters
        #expect(counters.remembered == 3)
        #expect(counters.applied == 1)
        #expect(counters.duplicate == 0)
        #expect(
            Records.euro(minute, in: fold)
                == BucketValue(settled: 5, transfers: 1, correction: 7))
    }

    @Test func whatTheLogNoLongerHoldsIsSeededFromHeadquarters() throws {
        // Offsets 0..<100 are gone; the log begins ten minutes ago.
        let first = Self.now - 600_000
        let facts = ShardJoin.LogFacts(
            low: 100, high: 103, start: 100, startTimestamp: first.milliseconds)
        let old = first.minute
        let bare = Self.status(101, from: Minute(0))
        guard case .needsSeed = Self.plan(facts, bare) else {
            Issue.record("a seed was not asked for")
            return
        }
        // An HQ that was asked for values and has none is not asked again.
        let unseeded = try Self.start(Self.plan(facts, bare, hasAskedForValues: true))
        #expect(unseeded.seed == nil)
        #expect(unseeded.knownFrom != nil)
        let euro = try #require(Currency(code: "EUR"))
        let seeded = Bucket(
            minute: old, currency: euro, value: BucketValue(settled: 40, transfers: 2))
        let status = Self.status(
            101, from: Minute(0), values: ShardStatus.Values(buckets: [seeded], late: []))
        let start = try Self.start(Self.plan(facts, status))
        var fold = ShardFold(settings: Records.settings, start: start)
        fold.fold([
            // Below the watermark: the seed holds it.
            Entry(Records.transfer("a", "30", at: first), at: first, offset: 100),
            // At the watermark: added to the seed.
            Entry(Records.transfer("b", "2", at: first), at: first, offset: 101),
            Entry(Records.transfer("c", "9", at: Self.now), at: Self.now, offset: 102),
        ])
        let from = fold.completeFrom
        #expect(from == Minute(0))
        let changes = fold.changes(since: 101).buckets
        #expect(changes.map(\.value.settled) == [42, 9])
        #expect(changes.map(\.value.transfers) == [3, 1])
        let all = fold.changes(since: 0).buckets
        #expect(all == changes)
    }

    /// Neither is asked for nor taken what other rules or settings came to.
    @Test func valuesOfAnotherFoldVersionAreNoSeed() throws {
        let facts = ShardJoin.LogFacts(
            low: 100, high: 103, start: 100, startTimestamp: (Self.now - 600_000).milliseconds)
        let version = FoldSettings(idKey: Records.settings.idKey, generation: 2).version
        for values in [nil, ShardStatus.Values(buckets: [], late: [])] {
            let status = Self.status(101, from: Minute(0), values: values)
            let start = try Self.start(Self.plan(facts, status, version: version))
            #expect(start.seed == nil)
            #expect(start.knownFrom != nil)
        }
    }

    @Test func withoutASeedThePartlyKnownMinutesAreNotPushed() throws {
        let first = Self.now - 600_000
        let facts = ShardJoin.LogFacts(
            low: 100, high: 102, start: 100, startTimestamp: first.milliseconds)
        let start = try Self.start(Self.plan(facts, nil))
        var fold = ShardFold(settings: Records.settings, start: start)
        fold.fold([
            Entry(Records.transfer("a", "30", at: first), at: first, offset: 100),
            Entry(Records.transfer("b", "9", at: Self.now), at: Self.now, offset: 101),
        ])
        let from = fold.completeFrom
        #expect(from == (first + 300_000).minute.advanced(by: 1))
        let buckets = fold.changes(since: 0).buckets
        #expect(buckets.map(\.value.settled) == [9])
    }

    @Test func aGapBelowTheLogIsNotFilledBySeeding() throws {
        let first = Self.now - 600_000
        let facts = ShardJoin.LogFacts(
            low: 100, high: 102, start: 100, startTimestamp: first.milliseconds)
        let behind = Self.status(
            99, from: Minute(0), values: ShardStatus.Values(buckets: [], late: []))
        let start = try Self.start(Self.plan(facts, behind))
        #expect(start.seed == nil)
        let fold = ShardFold(settings: Records.settings, start: start)
        let from = fold.completeFrom
        #expect(from > Self.now.minute.advanced(by: -10))
    }
}
