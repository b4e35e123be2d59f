import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Publishing
import Testing

/// A publisher's handling of minutes that vanish without a listed change.
@Suite struct PublicationLossTests {
    typealias Fixture = PublicationTests

    private static let current = Fixture.noon.minute
    private static let old = current.advanced(by: -10)
    private static let minutes = [
        Fixture.minute(Fixture.eu, old, settled: 100, transfers: 4),
        Fixture.minute(Fixture.eu, current, settled: 10, transfers: 2),
        Fixture.minute(Fixture.us, old, settled: 1_000),
    ]
    private static let loss = Degradation(.storeLoss, region: Fixture.eu)

    private static func publication(
        _ settings: PublicationSettings = Fixture.settings()
    ) -> Publisher {
        let publication = Publisher(settings: settings)
        publication.take(
            Fixture.refresh(
                version: 5, minutes: minutes, standings: Fixture.both,
                changedAt: [old: 3, current: 5]), now: Fixture.noon)
        return publication
    }

    private static func amount(_ publication: Publisher) -> Int128? {
        publication.totals(now: Fixture.noon)?.currencies.map(\.amount).reduce(0, +)
    }

    /// A full view after a reconnect.
    private static func reread(
        _ publication: Publisher, version: Int64 = 6, _ minutes: [RegionMinute],
        _ changedAt: [Minute: Int64] = [:], standings: [ShardID: ShardStanding] = Fixture.both
    ) {
        publication.storeIsUnreachable()
        publication.take(
            Fixture.refresh(
                version: version, minutes: minutes, standings: standings, changedAt: changedAt),
            now: Fixture.noon)
    }

    @Test("A minute that holds less without a listed change keeps its value, labelled")
    func keeps() throws {
        let publication = Self.publication()
        #expect(Self.amount(publication) == 1_110)
        Self.reread(publication, Array(Self.minutes.dropFirst()), [Self.old: 3, Self.current: 5])
        let totals = try #require(publication.totals(now: Fixture.noon))
        #expect(totals.currencies.map(\.amount) == [1_110])
        #expect(totals.degradations == [Self.loss])
        #expect(totals.regions.map(\.isRecovering) == [true, false])
        #expect(publication.losses == [Fixture.eu: [Self.old]])
        #expect(publication.counters.losses == 1)

        // Until the watermarks are dropped the loss is reported again, whatever else changes.
        let next = Self.current.advanced(by: -1)
        publication.take(
            Fixture.refresh(
                version: 7, isFull: false,
                minutes: [Fixture.minute(Fixture.eu, next, settled: 7)], standings: Fixture.both),
            now: Fixture.noon)
        #expect(Self.amount(publication) == 1_117)
        #expect(publication.losses == [Fixture.eu: [Self.old]])

        // The region is refilled: the values that come back are right, even smaller ones.
        publication.areFilledAgain([Fixture.eu])
        #expect(publication.losses.isEmpty)
        let us = [Fixture.shard(Fixture.us): Fixture.standing()]
        publication.take(
            Fixture.refresh(version: 8, isFull: false, standings: us), now: Fixture.noon)
        #expect(publication.totals(now: Fixture.noon)?.degradations == [Self.loss])
        #expect(Self.amount(publication) == 1_117)
        publication.take(
            Fixture.refresh(
                version: 9, isFull: false,
                minutes: [Fixture.minute(Fixture.eu, Self.old, settled: 99, transfers: 4)],
                standings: Fixture.both), now: Fixture.noon)
        #expect(Self.amount(publication) == 1_116)
        #expect(publication.totals(now: Fixture.noon)?.isDegraded == false)
    }

    @Test("A minute with a listed change is trusted, and so is one that holds more")
    func believes() throws {
        let publication = Self.publication()
        Self.reread(
            publication,
            [
                Fixture.minute(Fixture.eu, Self.old, settled: 30, transfers: 4),
                Fixture.minute(Fixture.eu, Self.current, settled: 11, transfers: 2),
                Fixture.minute(Fixture.us, Self.old, settled: 1_000),
            ], [Self.old: 6, Self.current: 5])
        #expect(Self.amount(publication) == 1_041)
        #expect(publication.totals(now: Fixture.noon)?.isDegraded == false)
        #expect(publication.losses.isEmpty)
    }

    /// The change may be another region's, or a commit may have created a new hash after the loss.
    @Test("A minute with a listed change but fewer transfers keeps its value, labelled")
    func changedAndFewer() throws {
        let publication = Self.publication()
        Self.reread(
            publication,
            [
                Fixture.minute(Fixture.eu, Self.old, settled: 130, transfers: 3),
                Fixture.minute(Fixture.eu, Self.current, settled: 10, transfers: 2),
                Fixture.minute(Fixture.us, Self.old, settled: 1_001, transfers: 2),
            ], [Self.old: 6, Self.current: 5])
        #expect(Self.amount(publication) == 1_111)
        #expect(publication.totals(now: Fixture.noon)?.degradations == [Self.loss])
        #expect(publication.losses == [Fixture.eu: [Self.old]])
    }

    @Test("A lost list of changes makes no minute look empty")
    func lostList() throws {
        let publication = Self.publication()
        Self.reread(publication, Self.minutes)
        #expect(Self.amount(publication) == 1_110)
        #expect(publication.totals(now: Fixture.noon)?.isDegraded == false)
        Self.reread(publication, [])
        #expect(Self.amount(publication) == 1_110)
        #expect(publication.totals(now: Fixture.noon)?.degradations.count == 2)
        // Values may come back by themselves, as after reading the list in the middle of its
        // repair.
        Self.reread(publication, version: 7, Self.minutes)
        #expect(publication.totals(now: Fixture.noon)?.isDegraded == false)
    }

    @Test("Only watermarks reveal a loss in a different database")
    func otherDatabase() throws {
        let publication = Self.publication()
        publication.storeIsUnreachable()
        publication.take(
            Fixture.refresh(
                version: 4, storeID: "other", minutes: Array(Self.minutes.dropFirst()),
                standings: Fixture.both), now: Fixture.noon)
        #expect(publication.losses.isEmpty)
        #expect(Self.amount(publication) == 1_010)
    }

    @Test("An older state of the database that holds less at equal watermarks has lost data")
    func olderState() throws {
        let publication = Self.publication()
        Self.reread(publication, version: 4, Array(Self.minutes.dropFirst()))
        #expect(publication.losses == [Fixture.eu: [Self.old]])
        #expect(Self.amount(publication) == 1_110)
        #expect(publication.totals(now: Fixture.noon)?.isDegraded == true)
    }

    @Test("A watermark that returns without a lost minute keeps its last good value")
    func backWithoutLost() throws {
        let publication = Self.publication()
        // A watermark is dropped, and its lost minute is listed again.
        var standings = Fixture.both
        standings[Fixture.shard(Fixture.eu)] = nil
        Self.reread(
            publication, Array(Self.minutes.dropFirst()), [Self.old: 6], standings: standings)
        #expect(Self.amount(publication) == 1_110)
        // A failover restores the watermark, but not the minute.
        Self.reread(publication, version: 5, Array(Self.minutes.dropFirst()), [Self.old: 3])
        #expect(publication.losses == [Fixture.eu: [Self.old]])
        #expect(Self.amount(publication) == 1_110)
        #expect(publication.totals(now: Fixture.noon)?.isDegraded == true)
    }

    @Test("A shard below its shown watermark explains missing values until it is back")
    func behind() throws {
        let publication = Self.publication()
        var standings = Fixture.both
        standings[Fixture.shard(Fixture.eu)] = Fixture.standing(watermark: 9)
        Self.reread(publication, [Self.minutes[2]], standings: standings)
        let refilling = Degradation(.storeRefilling, region: Fixture.eu)
        #expect(publication.totals(now: Fixture.noon)?.degradations == [refilling])
        #expect(publication.losses.isEmpty)
        // The watermark is back, but half of the values are missing.
        publication.take(
            Fixture.refresh(
                version: 7, isFull: false, minutes: [Self.minutes[1]], standings: Fixture.both),
            now: Fixture.noon)
        #expect(publication.losses == [Fixture.eu: [Self.old]])
        #expect(Self.amount(publication) == 1_110)
        publication.take(
            Fixture.refresh(
                version: 8, isFull: false, minutes: [Self.minutes[0]], standings: Fixture.both),
            now: Fixture.noon)
        #expect(publication.totals(now: Fixture.noon)?.isDegraded == false)
        #expect(Self.amount(publication) == 1_110)
    }

    @Test("Values of a log that is no longer read keep their last good state")
    func earlierLog() throws {
        let earlier = ShardID(region: Fixture.eu, log: LogID("before")!, partition: 0)
        let standings = [
            Fixture.shard(Fixture.eu): Fixture.standing(), earlier: Fixture.standing(),
        ]
        let publication = Publisher(
            settings: PublicationSettings(
                regions: [
                    .init(id: Fixture.eu, currentLogs: [Fixture.log], earlierLogs: [earlier.log])
                ], currencies: [Fixture.eur]))
        publication.take(
            Fixture.refresh(version: 5, minutes: Self.minutes, standings: standings),
            now: Fixture.noon)
        Self.reread(publication, [], standings: standings)
        publication.areFilledAgain([Fixture.eu])
        #expect(publication.losses.isEmpty)
        publication.take(
            Fixture.refresh(version: 8, isFull: false, standings: standings), now: Fixture.noon)
        #expect(Self.amount(publication) == 110)
        #expect(publication.totals(now: Fixture.noon)?.degradations == [Self.loss])
    }

    @Test("A restarted publisher notices the loss of values it showed before")
    func restart() throws {
        let before = Self.publication()
        let checkpoint = try #require(before.checkpoint(since: nil, now: Fixture.noon))
        let publication = Publisher(settings: before.settings, restoring: checkpoint)
        Self.reread(publication, Array(Self.minutes.dropFirst()), [Self.old: 3, Self.current: 5])
        #expect(Self.amount(publication) == 1_110)
        #expect(publication.totals(now: Fixture.noon)?.degradations == [Self.loss])
    }

    @Test("Minutes that expired by Redis's clock do not count as lost")
    func expired() throws {
        let publication = Self.publication()
        publication.storeIsUnreachable()
        var refresh = Fixture.refresh(version: 6, minutes: [], standings: Fixture.both)
        refresh.retainedFrom = Self.current.advanced(by: 1)
        publication.take(refresh, now: Fixture.noon)
        #expect(publication.losses.isEmpty)
        #expect(Self.amount(publication) == 1_110)
    }

    @Test("A Redis that may evict keys degrades the answer")
    func eviction() throws {
        let publication = Publisher(settings: Fixture.settings())
        var refresh = Fixture.refresh(minutes: Self.minutes, standings: Fixture.both)
        refresh.mayEvict = true
        publication.take(refresh, now: Fixture.noon)
        #expect(
            publication.totals(now: Fixture.noon)?.degradations == [Degradation(.storeLoss)])
    }

    @Test("Fewer transfers are not shown until the region has sent everything again")
    func fewerTransfers() throws {
        let publication = Publisher(settings: Fixture.settings())
        let current = Fixture.noon.minute
        func take(_ version: Int64, _ minutes: [RegionMinute], isFull: Bool = false) {
            publication.take(
                Fixture.refresh(
                    version: version, isFull: isFull, minutes: minutes, standings: Fixture.both),
                now: Fixture.noon)
        }
        take(1, [Fixture.minute(Fixture.eu, current, settled: 7, transfers: 3)], isFull: true)
        let kept = publication.totals(now: Fixture.noon)?.currencies
        take(2, [Fixture.minute(Fixture.eu, current, settled: 9, transfers: 2)])
        #expect(publication.totals(now: Fixture.noon)?.currencies == kept)
        let loss = Degradation(.storeLoss, region: Fixture.eu)
        #expect(publication.totals(now: Fixture.noon)?.degradations == [loss])
        #expect(publication.losses == [Fixture.eu: [current]])
        publication.areFilledAgain([Fixture.eu])
        #expect(publication.losses.isEmpty)
        take(3, [])
        #expect(
            publication.totals(now: Fixture.noon)?.currencies == [
                .init(currency: Fixture.eur, amount: 9, transfers: 2)
            ])
        #expect(publication.totals(now: Fixture.noon)?.isDegraded == false)
    }

    @Test("Money of a log that the store no longer counts is not lost", arguments: [false, true])
    func replacedElsewhere(isFull: Bool) throws {
        let publication = Publisher(settings: Fixture.settings(regions: [Fixture.eu]))
        let next = LogID("next")!
        let minute = Fixture.noon.minute
        func take(
            _ version: Int64, _ isFull: Bool, _ settled: Int64?, _ log: LogID,
            counts: [LogID]
        ) {
            var refresh = Fixture.refresh(
                version: version, isFull: isFull,
                minutes: settled.map { [Fixture.minute(Fixture.eu, minute, settled: $0)] } ?? [],
                standings: [
                    ShardID(region: Fixture.eu, log: log, partition: 0): Fixture.standing()
                ])
            refresh.partitionCounts = [Fixture.eu: [log: 1]]
            refresh.countedLogs = [Fixture.eu: counts]
            publication.take(refresh, now: Fixture.noon)
        }
        take(1, true, 100, Fixture.log, counts: [Fixture.log])
        #expect(Self.amount(publication) == 100)
        // The store counts another log, which is still empty; then the old one is removed.
        take(2, isFull, nil, next, counts: [next])
        take(3, true, nil, next, counts: [next])
        take(4, false, 70, next, counts: [next])
        #expect(publication.losses.isEmpty)
        #expect(Self.amount(publication) == 70)
    }
}
