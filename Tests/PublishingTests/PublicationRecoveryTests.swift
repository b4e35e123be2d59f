import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money
import Publishing
import Testing

/// A region's published values while its store holds less than was shown.
@Suite struct PublicationRecoveryTests {
    typealias Fixture = PublicationTests

    private static let current = Fixture.noon.minute
    private static let zero = Fixture.shard(Fixture.eu)
    private static let one = Fixture.shard(Fixture.eu, 1)

    private static func amounts(_ publication: Publisher) -> [Int128]? {
        publication.totals(now: Fixture.noon)?.currencies.map(\.amount)
    }

    @Test("A shard that cannot come back holds back only the minutes that lack it")
    func liveBesideLost() throws {
        let publication = Publisher(settings: Fixture.settings(regions: [Fixture.eu]))
        let old = Self.current.advanced(by: -10)
        func take(
            _ version: Int64, _ minutes: [RegionMinute], _ standings: [ShardID: ShardStanding],
            isFull: Bool = false
        ) {
            publication.take(
                Fixture.refresh(
                    version: version, storeID: "b", isFull: isFull, minutes: minutes,
                    standings: standings, partitions: 2), now: Fixture.noon)
        }
        let whole = [Self.zero: Fixture.standing(), Self.one: Fixture.standing()]
        take(
            1,
            [
                Fixture.minute(Fixture.eu, old, settled: 100, transfers: 4),
                Fixture.minute(Fixture.eu, Self.current, settled: 10, transfers: 2),
            ], whole, isFull: true)
        #expect(Self.amounts(publication) == [110])

        // Partition 0 is gone; partition 1 is back whole and continues.
        let rest = [Self.one: Fixture.standing(watermark: 12)]
        take(2, [Fixture.minute(Fixture.eu, old, settled: 30)], rest, isFull: true)
        #expect(Self.amounts(publication) == [110])
        let next = Self.current.advanced(by: -1)
        take(
            3,
            [
                Fixture.minute(Fixture.eu, next, settled: 5_000),
                // More transfers with less money, and fewer with more, both show less of something.
                Fixture.minute(Fixture.eu, old, settled: 99, transfers: 5),
                Fixture.minute(Fixture.eu, Self.current, settled: 11, transfers: 1),
            ], rest)
        let beside = try #require(publication.totals(now: Fixture.noon))
        #expect(beside.currencies.map(\.amount) == [5_110])
        #expect(beside.degradations == [Degradation(.storeRefilling, region: Fixture.eu)])
        take(4, [Fixture.minute(Fixture.eu, Self.current, settled: 12, transfers: 2)], rest)
        #expect(Self.amounts(publication) == [5_112])

        // The publication also waits for what it showed of partition 1 meanwhile.
        take(5, [], [Self.zero: Fixture.standing(), Self.one: Fixture.standing(watermark: 11)])
        #expect(publication.totals(now: Fixture.noon)?.isDegraded == true)
        take(
            6, [Fixture.minute(Fixture.eu, old, settled: 90, transfers: 3)],
            [Self.zero: Fixture.standing(), Self.one: Fixture.standing(watermark: 12)])
        // Less than was shown although all watermarks are back: the region resends everything once.
        let loss = Degradation(.storeLoss, region: Fixture.eu)
        #expect(publication.totals(now: Fixture.noon)?.degradations == [loss])
        #expect(publication.losses == [Fixture.eu: [old]])
        publication.areFilledAgain([Fixture.eu])
        take(7, [], [Self.zero: Fixture.standing(), Self.one: Fixture.standing(watermark: 12)])
        let back = try #require(publication.totals(now: Fixture.noon))
        #expect(back.currencies.map(\.amount) == [5_102])
        #expect(!back.isDegraded)
    }

    @Test("A lost log that is no longer read only makes the history incomplete")
    func lostEarlierLog() throws {
        let earlier = ShardID(region: Fixture.eu, log: LogID("before")!, partition: 0)
        let publication = Publisher(
            settings: PublicationSettings(
                regions: [
                    .init(
                        id: Fixture.eu, currentLogs: [Fixture.log], earlierLogs: [earlier.log])
                ], currencies: [Fixture.eur]))
        let old = Self.current.advanced(by: -10)
        publication.take(
            Fixture.refresh(
                minutes: [Fixture.minute(Fixture.eu, old, settled: 100)],
                standings: [Self.zero: Fixture.standing(), earlier: Fixture.standing()]),
            now: Fixture.noon)
        #expect(publication.totals(now: Fixture.noon)?.isDegraded == false)

        let later = Fixture.noon + 60_000
        publication.take(
            Fixture.refresh(
                version: 2, storeID: "b",
                minutes: [Fixture.minute(Fixture.eu, Self.current, settled: 5)],
                standings: [
                    Self.zero: Fixture.standing(watermark: 11, observed: later, received: later)
                ]), now: later)
        let totals = try #require(publication.totals(now: later))
        #expect(totals.currencies.map(\.amount) == [105])
        #expect(totals.dataAsOf == later)
        #expect(
            totals.degradations == [
                Degradation(.storeRefilling, region: Fixture.eu),
                Degradation(.incomplete, region: Fixture.eu),
            ])
        // A publisher that never saw it reports the same.
        let fresh = Publisher(settings: publication.settings)
        fresh.take(
            Fixture.refresh(storeID: "b", standings: [Self.zero: Fixture.standing()]),
            now: Fixture.noon)
        #expect(
            fresh.totals(now: Fixture.noon)?.degradations == [
                Degradation(.incomplete, region: Fixture.eu)
            ])
    }
}
