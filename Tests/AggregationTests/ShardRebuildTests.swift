import Aggregation
import CivilTime
import DeltaProtocol
import Identifiers
import Money
import Testing

@Suite struct ShardRebuildTests {
    static let now = Records.noon
    private static let hour: Int64 = 3_600_000

    private static func status(
        _ watermark: Int64, from: Minute, fingerprint: Fingerprint? = nil,
        values: ShardStatus.Values? = nil, version: FoldVersion = Records.settings.version
    ) -> ShardStatus {
        ShardStatus(
            log: LogID(unchecked: "l"), partition: 0, watermark: watermark,
            claims: Claims(valuesFrom: from, idsFrom: from), foldVersion: version,
            fingerprint: fingerprint, values: values)
    }

    private static func start(_ plan: ShardJoin.Plan) throws -> FoldStart {
        guard case .start(let start) = plan else { throw Unexpected() }
        return start
    }

    private struct Unexpected: Error {}

    private static let floor = now.minute.advanced(by: -1_500)
    private static let terms = ShardJoin.Terms(
        floor: floor, disorderMilliseconds: 0, version: Records.settings.version, now: now)

    private static func plan(
        _ facts: ShardJoin.LogFacts, _ statuses: ShardStatus?..., mayAsk: Bool = true,
        terms: ShardJoin.Terms = terms
    ) -> ShardJoin.Plan {
        ShardJoin.plan(
            log: facts, statuses: statuses, mayAsk: statuses.map { _ in mayAsk }, terms: terms)
    }

    @Test func aLogFromItsBeginningIsKnownInFull() throws {
        let facts = ShardJoin.LogFacts(low: 0, high: 10, start: 0, startTimestamp: 0)
        let start = try Self.start(Self.plan(facts, nil))
        #expect(start.offset == 0)
        #expect(start.foldFrom == nil)
        let fold = ShardFold(settings: Records.settings, start: start)
        let claims = fold.claims
        #expect(claims == .all)
    }

    private static func terms(continuing disorder: Int64) -> ShardJoin.Terms {
        ShardJoin.Terms(
            floor: floor, disorderMilliseconds: disorder, isContinuing: true,
            version: Records.settings.version, now: now)
    }

    /// After an interruption the relay sends its last transfers again, into the continuing log.
    @Test(arguments: [0, 60_000 * 60] as [Int64])
    func whatMayRepeatTheLogBeforeIsLateMoney(disorder: Int64) throws {
        let facts = ShardJoin.LogFacts(low: 0, high: 0, start: 0, startTimestamp: nil)
        let start = try Self.start(
            Self.plan(facts, nil, terms: Self.terms(continuing: disorder)))
        var fold = ShardFold(settings: Records.settings, start: start)
        let own = (Self.now + 300_000 + disorder).minute.advanced(by: 1)
        fold.fold([
            Entry(
                Array(Records.transfer("a", at: Self.now).utf8), timestamp: LogRecord.noTimestamp),
            Entry("{", at: Self.now),
            Entry(Records.transfer("a", "7", at: Self.now - 23 * Self.hour), at: Self.now),
            Entry(Records.transfer("b", "8", at: own.start - 1_000), at: own.start),
            Entry(Records.transfer("c", "9", at: own.start), at: own.start),
            Entry(Records.transfer("c", "9", at: own.start), at: own.start),
        ])
        let (claims, changes, counters) = (fold.claims, fold.changes(since: 0), fold.counters)
        #expect(claims == Claims(valuesFrom: Claims.always, idsFrom: own))
        #expect(changes.buckets.map(\.value.settled) == [9])
        #expect(changes.late.map(\.value.settled) == [7, 8])
        #expect(counters.unproven == 2)
        #expect(counters.duplicate == 1)
        let replaced = fold.replaced
        #expect(replaced == own...Minute(.max))
    }

    /// Before the first record there is no money, so any claim is true.
    @Test func aLogThatContinuesClaimsEverythingBeforeItsFirstRecord() throws {
        let facts = ShardJoin.LogFacts(low: 0, high: 2, start: 0, startTimestamp: nil)
        let start = try Self.start(Self.plan(facts, nil, terms: Self.terms(continuing: 0)))
        var fold = ShardFold(settings: Records.settings, start: start)
        fold.reachedEnd(at: 2)
        let before = fold.claims
        #expect(before == .all)
        fold.fold([Entry(Records.transfer("a"), at: Self.now, offset: 2)])
        let after = fold.claims.idsFrom
        #expect(after == (Self.now + 300_000).minute.advanced(by: 1))
    }

    /// If the first record is recent, the log is read from offset 0 even if offset 0 has no record.
    @Test func theFirstRecordOfALogThatContinuesMayLieBehindAHole() throws {
        let terms = Self.terms(continuing: 0)
        for (low, stamp, offset) in [
            (0, Self.now, 0), (0, terms.foldFrom - 1, 3), (2, Self.now, 3),
        ] as [(Int64, UnixTime, Int64)] {
            let facts = ShardJoin.LogFacts(
                low: low, high: 9, start: 3, startTimestamp: stamp.milliseconds)
            let start = try Self.start(Self.plan(facts, nil, terms: terms))
            #expect(start.offset == offset)
            #expect((start.continuedMilliseconds != nil) == (offset == 0))
        }
    }

    @Test func aLongLogIsReadForItsIDsFirst() throws {
        let facts = ShardJoin.LogFacts(
            low: 0, high: 900, start: 100,
            startTimestamp: Self.terms.readFrom.milliseconds)
        let start = try Self.start(Self.plan(facts, nil))
        #expect(start.offset == 100)
        #expect(start.foldFrom == Self.floor.start - 300_000)
        #expect(start.idsFrom == Self.floor)
        #expect(start.idsShortUntil == Claims.always)
        #expect(Self.terms.readFrom == Self.floor.start - 300_000 - (25 * 60 + 11) * 60_000)
    }

    /// 26 h of log give right buckets; the ids of their first hours are short.
    @Test func aLogOf26HoursHasShortIDs() throws {
        let first = Self.now - 26 * Self.hour
        let facts = ShardJoin.LogFacts(
            low: 5, high: 900, start: 5, startTimestamp: first.milliseconds)
        let start = try Self.start(Self.plan(facts, nil))
        #expect(start.idsFrom == Self.floor)
        #expect(start.idsShortUntil == (first + (25 * 60 + 11) * 60_000).minute.advanced(by: 1))
    }

    /// A stamp that lies ahead shows only that its record was written before now.
    @Test func aFirstStampFarAheadDoesNotHideTheDay() throws {
        let facts = ShardJoin.LogFacts(
            low: 5, high: 900, start: 5,
            startTimestamp: (Self.now + 720 * Self.hour).milliseconds)
        let start = try Self.start(Self.plan(facts, nil))
        #expect(start.idsFrom == (Self.now + 300_000).minute.advanced(by: 1))
    }

    /// If the log begins right after HQ's last record, that record shows as much as the log's
    /// first.
    @Test func theRecordBeforeTheLogsFirstOneIsKnownByHeadquarters() throws {
        let last = Self.now - 3 * Self.hour
        let facts = ShardJoin.LogFacts(
            low: 50, high: 60, start: 50, startTimestamp: Self.now.milliseconds)
        let status = Self.status(
            50, from: Self.floor.advanced(by: 9_999),
            fingerprint: Fingerprint(offset: 49, timestamp: last.milliseconds, crc: 0))
        let start = try Self.start(Self.plan(facts, status))
        #expect(start.idsFrom == (last + 300_000).minute.advanced(by: 1))
    }

    @Test func theSeedIsTheEarliestThenTheLatest() {
        let facts = ShardJoin.LogFacts(
            low: 100, high: 103, start: 100, startTimestamp: (Self.now - 600_000).milliseconds)
        let statuses = [
            Self.status(103, from: Minute(5)), Self.status(101, from: Minute(4)),
            Self.status(102, from: Minute(4)),
        ]
        guard case .needsValues(of: 2) = Self.plan(facts, statuses[0], statuses[1], statuses[2])
        else {
            Issue.record("another HQ was asked")
            return
        }
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
            var fold = ShardFold(
                settings: Records.settings,
                start: FoldStart(expected: [fingerprint].compactMap { $0 }))
            fold.fold(Records.transfer("a"))
            let noticed = fold.hasForeignRecord
            #expect(noticed == foreign)
        }
    }

    /// A repeat counts as one even if its original is before the folded part.
    @Test func aRebuiltNodeRemembersIDsOfBeforeTheFold() {
        let foldFrom = Self.terms.foldFrom
        let early = foldFrom - 60_000
        let entries = [
            Entry(Records.transfer("a", "5", at: early), at: early),
            Entry(Records.transfer("b", at: foldFrom + 600_000), at: foldFrom + 600_000),
            Entry(Records.transfer("a", "5", at: early), at: early + 24 * Self.hour),
            Entry(Records.transfer("a", "5", at: Self.now), at: Self.now),
        ]
        var fold = ShardFold(
            settings: Records.settings, start: FoldStart(offset: 0, foldFrom: foldFrom))
        fold.fold(entries)
        let counters = fold.counters
        #expect(counters.remembered == 1)
        #expect(counters.duplicate == 1)
        // A day after its last sighting the id counts again, in every state.
        #expect(counters.applied == 2)
    }

    /// Records that are read only for their ids are still rejected.
    @Test func whatIsReadForItsIDsIsRejectedAllTheSame() {
        let foldFrom = Self.terms.foldFrom
        let early = foldFrom - 60_000
        var fold = ShardFold(
            settings: Records.settings, start: FoldStart(offset: 0, foldFrom: foldFrom))
        let diverted = fold.fold([
            Entry("nonsense", at: early),
            Entry(Records.transfer("a", "4503599627370497", at: early), at: early),
            Entry(Records.transfer("b", at: early + 86_400_000), at: early),
            Entry(Records.transfer("c", "1", at: early), at: early),
            Entry(Records.transfer("c", "2", at: early), at: early),
        ])
        #expect(
            diverted.map(\.cause) == [
                .rejected(.json), .rejected(.amount), .rejected(.future), .conflict,
            ])
        let counters = fold.counters
        #expect(counters.summary.rejected == 3)
        #expect(counters.remembered == 2)
    }

    @Test func whatTheLogNoLongerHoldsIsSeededFromHeadquarters() throws {
        // Offsets 0..<100 are gone; the log begins ten minutes ago.
        let first = Self.now - 600_000
        let facts = ShardJoin.LogFacts(
            low: 100, high: 103, start: 100, startTimestamp: first.milliseconds)
        let old = first.minute.advanced(by: -1)
        let bare = Self.status(101, from: Minute(0))
        guard case .needsValues(of: 0) = Self.plan(facts, bare) else {
            Issue.record("a seed was not asked for")
            return
        }
        // An HQ that answered without values is not asked again.
        let unseeded = try Self.start(Self.plan(facts, bare, mayAsk: false))
        #expect(unseeded.seed == nil)
        #expect(unseeded.idsFrom > Self.floor)
        let euro = try #require(Currency(code: "EUR"))
        let seeded = Bucket(
            minute: old, currency: euro, value: BucketValue(settled: 40, transfers: 2))
        let status = Self.status(
            101, from: Minute(0), values: ShardStatus.Values(buckets: [seeded], late: []))
        let start = try Self.start(Self.plan(facts, status))
        var fold = ShardFold(settings: Records.settings, start: start)
        fold.fold([
            // Below the watermark: the seed holds it.
            Entry(Records.transfer("a", "30", at: old.start), at: first, offset: 100),
            // From the watermark on: it may repeat a transfer of the seed, which the node cannot
            // know.
            Entry(Records.transfer("b", "2", at: old.start), at: first, offset: 101),
            Entry(Records.transfer("c", "9", at: Self.now), at: Self.now, offset: 102),
        ])
        let claims = fold.claims
        #expect(claims.valuesFrom == Minute(0))
        #expect(claims.idsFrom == (first + 300_000).minute.advanced(by: 1))
        let changes = fold.changes(since: 101)
        #expect(changes.buckets.map(\.value.settled) == [9])
        #expect(changes.late.map(\.value.settled) == [2])
        #expect(changes.late.map(\.minute) == [old])
        let all = fold.changes(since: 0).buckets
        #expect(all.map(\.value.settled) == [40, 9])
    }

    /// Values folded under other settings may be in other units; those of older rules are valid.
    @Test func valuesOfOtherSettingsAreNoSeed() throws {
        let facts = ShardJoin.LogFacts(
            low: 100, high: 103, start: 100, startTimestamp: (Self.now - 600_000).milliseconds)
        let ours = Records.settings.version
        let settings = FoldSettings(idKey: Records.settings.idKey, generation: 2).version
        let rules = FoldVersion(rules: ours.rules - 1, settings: ours.settings, digest: 7)
        let newer = FoldVersion(rules: ours.rules + 1, settings: ours.settings, digest: 7)
        for (version, isSeed) in [(settings, false), (rules, true), (newer, false), (ours, true)] {
            let status = Self.status(
                101, from: Minute(0), values: ShardStatus.Values(buckets: [], late: []),
                version: version)
            let start = try Self.start(Self.plan(facts, status))
            #expect((start.seed != nil) == isSeed)
        }
    }

    @Test func withoutASeedMoneyOfPartlyKnownMinutesIsKeptApart() throws {
        let first = Self.now - 600_000
        let facts = ShardJoin.LogFacts(
            low: 100, high: 102, start: 100, startTimestamp: first.milliseconds)
        let start = try Self.start(Self.plan(facts, nil))
        var fold = ShardFold(settings: Records.settings, start: start)
        fold.fold([
            Entry(Records.transfer("a", "30", at: first), at: first, offset: 100),
            Entry(Records.transfer("b", "9", at: Self.now), at: Self.now, offset: 101),
        ])
        let claims = fold.claims
        #expect(claims.idsFrom == (first + 300_000).minute.advanced(by: 1))
        #expect(claims.valuesFrom == claims.idsFrom)
        let changes = fold.changes(since: 0)
        #expect(changes.buckets.map(\.value.settled) == [9])
        #expect(changes.late.map(\.value.settled) == [30])
    }

    @Test func aGapBelowTheLogIsNotFilledBySeeding() throws {
        let first = Self.now - 600_000
        let facts = ShardJoin.LogFacts(
            low: 100, high: 102, start: 100, startTimestamp: first.milliseconds)
        let behind = Self.status(
            99, from: Minute(0), values: ShardStatus.Values(buckets: [], late: []))
        let start = try Self.start(Self.plan(facts, behind))
        let fold = ShardFold(settings: Records.settings, start: start)
        let claims = fold.claims
        #expect(claims.valuesFrom > Self.now.minute.advanced(by: -10))
    }
}
