import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money
import Publishing
import Testing

@Suite struct PublicationTests {
    static let eu = RegionID("eu-west")!
    static let us = RegionID("us-east")!
    static let log = LogID("main")!
    static let eur = Currency(code: "EUR")!
    static let usd = Currency(code: "USD")!
    /// 2026-03-25T13:28:00Z.
    static let noon = UnixTime(seconds: 1_774_445_280)

    static func settings(
        currencies: Set<Currency> = [eur, usd], regions: [RegionID] = [eu, us],
        retired: Set<RegionID> = []
    ) -> PublicationSettings {
        PublicationSettings(
            regions: regions.map {
                .init(id: $0, isRetired: retired.contains($0), currentLogs: [log])
            }, currencies: currencies)
    }

    static func shard(_ region: RegionID, _ partition: Int32 = 0) -> ShardID {
        ShardID(region: region, log: log, partition: partition)
    }

    static func standing(
        watermark: Int64 = 10, completeFrom: Minute = Minute(0), observed: UnixTime? = noon,
        received: UnixTime = noon
    ) -> ShardStanding {
        ShardStanding(
            watermark: watermark, claims: Claims(from: completeFrom), observedThrough: observed,
            receivedAt: received, node: "n1")
    }

    static func minute(
        _ region: RegionID, _ minute: Minute, _ currency: Currency = eur, settled: Int64,
        transfers: Int64 = 1, correction: Int64 = 0
    ) -> RegionMinute {
        RegionMinute(
            region: region, minute: minute,
            values: [
                .init(
                    currency: currency,
                    value: BucketValue(
                        settled: settled, transfers: transfers, correction: correction))
            ])
    }

    static func refresh(
        version: Int64 = 1, storeID: String = "a", isFull: Bool = true,
        minutes: [RegionMinute] = [], standings: [ShardID: ShardStanding],
        partitions: Int32 = 1, changedAt: [Minute: Int64] = [:]
    ) -> StoreRefresh {
        var counts: [RegionID: [LogID: Int32]] = [:]
        for id in standings.keys { counts[id.region] = [log: partitions] }
        return StoreRefresh(
            position: StorePosition(storeID: storeID, version: version), isFull: isFull,
            minutes: minutes, standings: standings, partitionCounts: counts, changedAt: changedAt)
    }

    static let both = [shard(eu): standing(), shard(us): standing()]

    @Test("Nothing is published before a region has been seen")
    func nothingAtFirst() {
        let publication = Publisher(settings: Self.settings())
        #expect(publication.totals(now: Self.noon) == nil)
        publication.storeIsUnreachable()
        #expect(publication.totals(now: Self.noon) == nil)
        publication.take(Self.refresh(standings: [:]), now: Self.noon)
        #expect(publication.totals(now: Self.noon) == nil)
        #expect(publication.readPosition == nil)
        publication.take(Self.refresh(standings: Self.both), now: Self.noon)
        let totals = publication.totals(now: Self.noon)
        #expect(totals?.isDegraded == false)
        #expect(totals?.dataAsOf == Self.noon)
        #expect(totals?.currencies.isEmpty == true)
        #expect(publication.readPosition == StorePosition(storeID: "a", version: 1))
    }

    @Test("The window is the 1,440 minutes that end with the current one, corrections included")
    func window() throws {
        let publication = Publisher(settings: Self.settings())
        let current = Self.noon.minute
        publication.take(
            Self.refresh(
                minutes: [
                    Self.minute(Self.eu, current.advanced(by: -1_440), settled: 1),
                    Self.minute(Self.eu, current.advanced(by: -1_439), settled: 20),
                    Self.minute(Self.us, current, settled: 300, transfers: 2, correction: -5),
                    Self.minute(Self.us, current.advanced(by: 1), settled: 4_000),
                ], standings: Self.both), now: Self.noon)
        let first = try #require(publication.totals(now: Self.noon))
        #expect(
            first.currencies == [.init(currency: Self.eur, amount: 315, transfers: 3)])
        #expect(first.regions.map(\.region) == [Self.eu, Self.us])
        #expect(
            first.regions.map(\.currencies) == [
                [.init(currency: Self.eur, amount: 20, transfers: 1)],
                [.init(currency: Self.eur, amount: 295, transfers: 2)],
            ])

        // A minute later one minute leaves and one enters, without a read.
        let later = Self.noon + 60_000
        let second = try #require(publication.totals(now: later))
        #expect(second.currentMinute == current.advanced(by: 1))
        #expect(
            second.currencies == [.init(currency: Self.eur, amount: 4_295, transfers: 3)])
    }

    @Test("A minute that is sent again is replaced, even by a smaller value")
    func replacement() throws {
        let publication = Publisher(settings: Self.settings())
        let current = Self.noon.minute
        publication.take(
            Self.refresh(
                minutes: [Self.minute(Self.eu, current, settled: 7)], standings: Self.both),
            now: Self.noon)
        publication.take(
            Self.refresh(
                version: 2, isFull: false,
                minutes: [Self.minute(Self.eu, current, settled: -9)],
                standings: Self.both), now: Self.noon)
        #expect(
            publication.totals(now: Self.noon)?.currencies == [
                .init(currency: Self.eur, amount: -9, transfers: 1)
            ])
        publication.take(
            Self.refresh(
                version: 3, minutes: [Self.minute(Self.eu, current, settled: -10)],
                standings: Self.both, changedAt: [current: 3]), now: Self.noon)
        #expect(publication.totals(now: Self.noon)?.currencies.map(\.amount) == [-10])
    }

    @Test("A currency that is not published is left out")
    func unpublishedCurrency() {
        let publication = Publisher(settings: Self.settings(currencies: [Self.usd]))
        publication.take(
            Self.refresh(
                minutes: [Self.minute(Self.eu, Self.noon.minute, settled: 7)],
                standings: Self.both), now: Self.noon)
        #expect(publication.totals(now: Self.noon)?.currencies == [])
    }

    @Test("A clock that jumps ahead moves the window at most one minute past observed-through")
    func clockJump() throws {
        let publication = Publisher(settings: Self.settings())
        let current = Self.noon.minute
        publication.take(
            Self.refresh(
                minutes: [Self.minute(Self.eu, current.advanced(by: -1_430), settled: 7)],
                standings: Self.both), now: Self.noon)
        let nextWeek = Self.noon + 7 * 86_400_000
        let ahead = try #require(publication.totals(now: nextWeek))
        #expect(ahead.currentMinute == current.advanced(by: 1))
        #expect(ahead.currencies.map(\.amount) == [7])
        // Full reads at that clock find no stored minutes.
        publication.take(Self.refresh(version: 2, standings: Self.both), now: nextWeek)
        #expect(publication.totals(now: nextWeek)?.currencies.map(\.amount) == [7])
        // The window does not move back with the clock either.
        let back = try #require(publication.totals(now: Self.noon - 3_600_000))
        #expect(back.currentMinute == current.advanced(by: 1))
        // Once the clock is right again, a full read returns the stored minutes.
        publication.take(
            Self.refresh(
                version: 3,
                minutes: [Self.minute(Self.eu, current.advanced(by: -1_430), settled: 6)],
                standings: Self.both, changedAt: [current.advanced(by: -1_430): 3]),
            now: Self.noon + 60_000)
        #expect(publication.totals(now: Self.noon + 60_000)?.currencies.map(\.amount) == [6])
    }

    @Test("A time in the future is clamped to HQ's present")
    func futureObservation() throws {
        let publication = Publisher(settings: Self.settings())
        let future = Self.standing(observed: UnixTime(milliseconds: .max))
        publication.take(
            Self.refresh(standings: [Self.shard(Self.eu): future, Self.shard(Self.us): future]),
            now: Self.noon)
        let totals = try #require(publication.totals(now: Self.noon))
        #expect(totals.currentMinute == Self.noon.minute)
        #expect(totals.dataAsOf == Self.noon)
    }

    @Test("data_as_of is the minimum over all partitions, and a late joiner does not lower it")
    func dataAsOf() throws {
        let publication = Publisher(settings: Self.settings())
        var standings = Self.both
        standings[Self.shard(Self.us)] = Self.standing(observed: Self.noon - 4_000)
        publication.take(Self.refresh(standings: standings), now: Self.noon)
        #expect(publication.totals(now: Self.noon)?.dataAsOf == Self.noon - 4_000)

        // A second partition joins, hours behind.
        standings[Self.shard(Self.us, 1)] = Self.standing(observed: Self.noon - 7_200_000)
        publication.take(
            Self.refresh(version: 2, standings: standings, partitions: 2), now: Self.noon)
        let joined = try #require(publication.totals(now: Self.noon))
        #expect(joined.dataAsOf == Self.noon - 4_000)
        #expect(
            joined.degradations == [
                // The helper reports two partitions for both regions.
                Degradation(.partitionsMissing, region: Self.eu),
                Degradation(.regionLagging, region: Self.us),
            ])

        standings[Self.shard(Self.eu, 1)] = Self.standing(observed: Self.noon)
        standings[Self.shard(Self.us, 1)] = Self.standing(observed: Self.noon - 1_000)
        standings[Self.shard(Self.us)] = Self.standing(observed: Self.noon - 2_000)
        publication.take(
            Self.refresh(version: 3, standings: standings, partitions: 2), now: Self.noon)
        let caughtUp = try #require(publication.totals(now: Self.noon))
        #expect(caughtUp.dataAsOf == Self.noon - 2_000)
        #expect(!caughtUp.isDegraded)
    }

    @Test("A region that never pushed, a silent one and a lagging one are named")
    func regionDegradations() throws {
        let publication = Publisher(settings: Self.settings())
        publication.take(
            Self.refresh(standings: [Self.shard(Self.eu): Self.standing()]), now: Self.noon)
        #expect(
            publication.totals(now: Self.noon)?.degradations == [
                Degradation(.regionMissing, region: Self.us)
            ])

        var standings = Self.both
        let later = Self.noon + 10_001
        standings[Self.shard(Self.us)] = Self.standing(observed: later, received: later)
        standings[Self.shard(Self.eu)] = Self.standing(observed: later, received: Self.noon)
        publication.take(Self.refresh(version: 2, standings: standings), now: later)
        #expect(
            publication.totals(now: later)?.degradations == [
                Degradation(.regionSilent, region: Self.eu)
            ])

        standings[Self.shard(Self.eu)] = Self.standing(
            observed: later - 30_001, received: later)
        publication.take(Self.refresh(version: 3, standings: standings), now: later)
        #expect(
            publication.totals(now: later)?.degradations == [
                Degradation(.regionLagging, region: Self.eu)
            ])
    }

    @Test("A region whose first complete minute is inside the window degrades the answer")
    func incompleteHistory() throws {
        let publication = Publisher(settings: Self.settings())
        var standings = Self.both
        let start = Self.noon.minute.advanced(by: -1_439)
        standings[Self.shard(Self.eu)] = Self.standing(completeFrom: start)
        standings[Self.shard(Self.us)] = Self.standing(completeFrom: start.advanced(by: 1))
        publication.take(Self.refresh(standings: standings), now: Self.noon)
        #expect(
            publication.totals(now: Self.noon)?.degradations == [
                Degradation(.incomplete, region: Self.us)
            ])
        let later = publication.totals(now: Self.noon + 60_000)?.degradations ?? []
        #expect(!later.contains { $0.reason == .incomplete })
    }

    @Test(
        "Money more than five minutes ahead is labelled, however far",
        arguments: [(5, false), (6, true), (2_000, true), (43_200, true), (10_000_000, true)])
    func ahead(minutes: Int, isLabelled: Bool) throws {
        let publication = Publisher(settings: Self.settings())
        let minute = Self.noon.minute.advanced(by: minutes)
        publication.take(
            Self.refresh(
                minutes: [Self.minute(Self.us, minute, settled: 7)], standings: Self.both),
            now: Self.noon)
        let labels = publication.totals(now: Self.noon)?.degradations
        #expect(labels == (isLabelled ? [Degradation(.ahead, region: Self.us)] : []))
    }

    @Test("Drift and skew are labelled for as long as commit rounds detect them")
    func findings() throws {
        let publication = Publisher(settings: Self.settings())
        publication.take(Self.refresh(standings: Self.both), now: Self.noon)
        publication.take(RegionFindings(drifted: [Self.us], skewed: [Self.eu]))
        #expect(
            publication.totals(now: Self.noon)?.degradations == [
                Degradation(.skew, region: Self.eu), Degradation(.drift, region: Self.us),
            ])
        publication.take(RegionFindings())
        #expect(publication.totals(now: Self.noon)?.degradations == [])
    }

    @Test("A retired region's money counts, and nothing waits for the region")
    func retired() throws {
        let publication = Publisher(settings: Self.settings(retired: [Self.us]))
        var standings = Self.both
        standings[Self.shard(Self.us)] = Self.standing(
            observed: Self.noon - 86_400_000, received: Self.noon - 86_400_000)
        publication.take(
            Self.refresh(
                minutes: [Self.minute(Self.us, Self.noon.minute, settled: 7)],
                standings: standings), now: Self.noon)
        let totals = try #require(publication.totals(now: Self.noon))
        #expect(!totals.isDegraded)
        #expect(totals.dataAsOf == Self.noon)
        #expect(totals.currencies.map(\.amount) == [7])
    }

    @Test(
        "While the store is silent the window moves on, labelled, and data_as_of does not")
    func unreachable() throws {
        let publication = Publisher(settings: Self.settings())
        let current = Self.noon.minute
        publication.take(
            Self.refresh(
                minutes: [
                    Self.minute(Self.eu, current.advanced(by: -1_439), settled: 5),
                    Self.minute(Self.eu, current, settled: 6),
                ], standings: Self.both), now: Self.noon)
        publication.storeIsUnreachable()
        #expect(publication.readPosition == nil)
        let later = Self.noon + 60_000
        let totals = try #require(publication.totals(now: later))
        #expect(totals.currencies.map(\.amount) == [6])
        #expect(totals.dataAsOf == Self.noon)
        #expect(totals.degradations.first == Degradation(.storeUnreachable))
        // The store's silence does not make regions silent.
        #expect(!totals.degradations.contains { $0.reason == .regionSilent })
    }

    @Test("A store that has not answered for too long counts as unreachable")
    func hangingStore() throws {
        let publication = Publisher(settings: Self.settings())
        publication.take(Self.refresh(standings: Self.both), now: Self.noon)
        #expect(publication.totals(now: Self.noon + 5_000)?.degradations == [])
        #expect(
            publication.totals(now: Self.noon + 5_001)?.degradations == [
                Degradation(.storeUnreachable)
            ])
    }

    @Test("A wiped store shows last good values until every shard is back at its watermark")
    func wipe() throws {
        let publication = Publisher(settings: Self.settings())
        let current = Self.noon.minute
        publication.take(
            Self.refresh(
                version: 90,
                minutes: [
                    Self.minute(Self.eu, current, settled: 5),
                    Self.minute(Self.us, current, settled: 70),
                ], standings: Self.both), now: Self.noon)

        publication.take(Self.refresh(storeID: "b", standings: [:]), now: Self.noon)
        let wiped = try #require(publication.totals(now: Self.noon))
        #expect(wiped.currencies.map(\.amount) == [75])
        #expect(
            wiped.degradations == [
                Degradation(.storeRefilling, region: Self.eu),
                Degradation(.storeRefilling, region: Self.us),
            ])
        #expect(publication.counters.recoveries == 2)

        // One region is back, with more than before; the other one partially.
        var standings = [
            Self.shard(Self.eu): Self.standing(watermark: 12),
            Self.shard(Self.us): Self.standing(watermark: 9),
        ]
        publication.take(
            Self.refresh(
                version: 2, storeID: "b", isFull: false,
                minutes: [
                    Self.minute(Self.eu, current, settled: 8),
                    Self.minute(Self.us, current, settled: 60),
                ], standings: standings), now: Self.noon)
        let half = try #require(publication.totals(now: Self.noon))
        #expect(half.currencies.map(\.amount) == [78])
        #expect(half.degradations == [Degradation(.storeRefilling, region: Self.us)])
        #expect(half.regions.map(\.isRecovering) == [false, true])

        standings[Self.shard(Self.us)] = Self.standing(watermark: 10)
        publication.take(
            Self.refresh(
                version: 3, storeID: "b", isFull: false,
                minutes: [Self.minute(Self.us, current, settled: 70)], standings: standings),
            now: Self.noon)
        let back = try #require(publication.totals(now: Self.noon))
        #expect(back.currencies.map(\.amount) == [78])
        #expect(!back.isDegraded)
    }

    @Test("Minutes that a refilled store lacks keep their last good values")
    func lostHistory() throws {
        let publication = Publisher(settings: Self.settings(regions: [Self.eu]))
        let current = Self.noon.minute
        let minutes = [-600, -300, 0].map { current.advanced(by: $0) }
        publication.take(
            Self.refresh(
                minutes: zip(minutes, [100, 20, 3]).map { Self.minute(Self.eu, $0, settled: $1) },
                standings: [Self.shard(Self.eu): Self.standing()]), now: Self.noon)
        publication.take(Self.refresh(storeID: "b", standings: [:]), now: Self.noon)
        publication.take(
            Self.refresh(
                version: 2, storeID: "b", isFull: false,
                minutes: [
                    Self.minute(Self.eu, minutes[1], settled: 25),
                    Self.minute(Self.eu, minutes[2], settled: 4),
                ],
                standings: [
                    Self.shard(Self.eu): Self.standing(watermark: 11, completeFrom: minutes[1])
                ]), now: Self.noon)
        let totals = try #require(publication.totals(now: Self.noon))
        #expect(totals.currencies.map(\.amount) == [129])
        #expect(totals.degradations == [Degradation(.incomplete, region: Self.eu)])
    }

    @Test("Changes that do not continue the last read are discarded, and everything is read again")
    func mismatch() {
        let publication = Publisher(settings: Self.settings())
        publication.take(Self.refresh(version: 5, standings: Self.both), now: Self.noon)
        for other in [
            Self.refresh(
                version: 4, isFull: false,
                minutes: [Self.minute(Self.eu, Self.noon.minute, settled: 1)],
                standings: Self.both),
            Self.refresh(
                version: 6, storeID: "b", isFull: false,
                minutes: [Self.minute(Self.eu, Self.noon.minute, settled: 1)],
                standings: Self.both),
        ] {
            publication.take(other, now: Self.noon)
            #expect(publication.readPosition == nil)
            #expect(publication.totals(now: Self.noon)?.currencies == [])
        }
        #expect(publication.counters.mismatchedRefreshes == 2)
    }
}
