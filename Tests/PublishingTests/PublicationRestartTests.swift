import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money
import Publishing
import Testing

/// A publication that continues from an earlier process's snapshot.
@Suite struct PublicationRestartTests {
    typealias Fixture = PublicationTests

    static let current = Fixture.noon.minute

    /// The snapshot of a process that showed 7 EUR of eu-west and 90 of us-east.
    static func kept(settings: PublicationSettings = Fixture.settings()) throws
        -> PublicationCheckpoint
    {
        let publication = Publisher(settings: settings)
        publication.take(
            Fixture.refresh(
                version: 40,
                minutes: [
                    Fixture.minute(Fixture.eu, current, settled: 7),
                    Fixture.minute(Fixture.us, current.advanced(by: -1_439), settled: 90),
                ], standings: Fixture.both), now: Fixture.noon)
        let checkpoint = publication.checkpoint(since: nil, now: Fixture.noon)
        return try CheckpointCodec.decode(
            CheckpointCodec.encode(whole: #require(checkpoint)).0
        ).checkpoint
    }

    @Test("Before the store answers, the values shown before are shown again, labelled")
    func beforeTheStore() throws {
        let publication = Publisher(
            settings: Fixture.settings(), restoring: try Self.kept())
        #expect(publication.readPosition == nil)
        let totals = try #require(publication.totals(now: Fixture.noon + 1_000))
        #expect(totals.currencies.map(\.amount) == [97])
        #expect(totals.dataAsOf == Fixture.noon)
        #expect(totals.degradations == [Degradation(.storeUnreachable)])
        // Its values leave the window with time.
        let later = try #require(publication.totals(now: Fixture.noon + 60_000))
        #expect(later.currencies.map(\.amount) == [7])
    }

    @Test("With an empty store no total dips until each region is back at its watermarks")
    func emptyStore() throws {
        let publication = Publisher(
            settings: Fixture.settings(), restoring: try Self.kept())
        let now = Fixture.noon + 2_000
        publication.take(Fixture.refresh(storeID: "b", standings: [:]), now: now)
        let empty = try #require(publication.totals(now: now))
        #expect(empty.currencies.map(\.amount) == [97])
        #expect(
            empty.degradations == [
                Degradation(.storeRefilling, region: Fixture.eu),
                Degradation(.storeRefilling, region: Fixture.us),
            ])
        #expect(empty.dataAsOf == Fixture.noon)

        var standings = Fixture.both
        standings[Fixture.shard(Fixture.us)] = Fixture.standing(watermark: 9)
        publication.take(
            Fixture.refresh(
                version: 2, storeID: "b", isFull: false,
                minutes: [Fixture.minute(Fixture.eu, Self.current, settled: 8)],
                standings: standings), now: now)
        let half = try #require(publication.totals(now: now))
        #expect(half.currencies.map(\.amount) == [98])
        #expect(half.degradations == [Degradation(.storeRefilling, region: Fixture.us)])
        // A second restart in the middle of it knows as much.
        let again = try #require(publication.checkpoint(since: nil, now: now))
        #expect(again.regions.map(\.recoveringSince) == [nil, Self.current])
        let second = Publisher(settings: Fixture.settings(), restoring: again)
        #expect(second.totals(now: now)?.currencies.map(\.amount) == [98])
        standings[Fixture.shard(Fixture.us)] = Fixture.standing()
        second.take(
            Fixture.refresh(
                version: 3, storeID: "b",
                minutes: [
                    Fixture.minute(Fixture.eu, Self.current, settled: 8),
                    Fixture.minute(Fixture.us, Self.current.advanced(by: -1_439), settled: 90),
                ], standings: standings), now: now)
        let back = try #require(second.totals(now: now))
        #expect(back.currencies.map(\.amount) == [98])
        #expect(!back.isDegraded)
    }

    @Test("If the store has advanced, its values replace the kept ones at once, even if smaller")
    func storeWentOn() throws {
        let publication = Publisher(
            settings: Fixture.settings(), restoring: try Self.kept())
        var standings = Fixture.both
        standings[Fixture.shard(Fixture.eu)] = Fixture.standing(watermark: 11)
        publication.take(
            Fixture.refresh(
                version: 41,
                minutes: [
                    Fixture.minute(Fixture.eu, Self.current, settled: 5),
                    Fixture.minute(Fixture.us, Self.current.advanced(by: -1_439), settled: 1),
                    Fixture.minute(Fixture.us, Self.current, settled: 4),
                ], standings: standings,
                changedAt: [Self.current: 41, Self.current.advanced(by: -1_439): 41]),
            now: Fixture.noon)
        let totals = try #require(publication.totals(now: Fixture.noon))
        #expect(totals.currencies.map(\.amount) == [10])
        #expect(!totals.isDegraded)
    }

    @Test("Regions and logs that the topology dropped are not restored; new ones are missing")
    func otherTopology() throws {
        let settings = Fixture.settings(regions: [Fixture.eu, RegionID("sa-east")!])
        let publication = Publisher(settings: settings, restoring: try Self.kept())
        #expect(publication.totals(now: Fixture.noon)?.currencies.map(\.amount) == [7])
        publication.take(
            Fixture.refresh(
                version: 41, minutes: [Fixture.minute(Fixture.eu, Self.current, settled: 7)],
                standings: [Fixture.shard(Fixture.eu): Fixture.standing()]), now: Fixture.noon)
        #expect(
            publication.totals(now: Fixture.noon)?.degradations == [
                Degradation(.regionMissing, region: RegionID("sa-east")!)
            ])

        let other = PublicationSettings(
            regions: [.init(id: Fixture.eu, currentLogs: [LogID("other")!])],
            currencies: [Fixture.eur])
        let moved = Publisher(settings: other, restoring: try Self.kept())
        moved.take(Fixture.refresh(version: 41, standings: [:]), now: Fixture.noon)
        // The old log never comes back: the publication waits for the new one.
        #expect(moved.counters.recoveries == 1)
        #expect(moved.totals(now: Fixture.noon)?.currencies.map(\.amount) == [7])
    }

    @Test("A replaced log's values stay until the new one has seen as much, even over restarts")
    func replacedLog() throws {
        let log = LogID("other")!
        let settings = PublicationSettings(
            regions: [.init(id: Fixture.eu, currentLogs: [log])], currencies: [Fixture.eur])
        func refresh(_ version: Int64, settled: Int64, observed: UnixTime) -> StoreRefresh {
            StoreRefresh(
                position: StorePosition(storeID: "a", version: version), isFull: true,
                minutes: [Fixture.minute(Fixture.eu, Self.current, settled: settled)],
                standings: [
                    ShardID(region: Fixture.eu, log: log, partition: 0): Fixture.standing(
                        watermark: version, observed: observed)
                ], partitionCounts: [Fixture.eu: [log: 1]], changedAt: [Self.current: version])
        }
        let first = Publisher(settings: settings, restoring: try Self.kept())
        first.take(
            refresh(41, settled: 3, observed: Fixture.noon - 60_000), now: Fixture.noon)
        let early = try #require(first.totals(now: Fixture.noon))
        #expect(early.currencies.map(\.amount) == [7])
        #expect(early.degradations.first == Degradation(.storeRefilling, region: Fixture.eu))

        let kept = try #require(first.checkpoint(since: nil, now: Fixture.noon))
        let second = Publisher(settings: settings, restoring: kept)
        second.take(refresh(42, settled: 4, observed: Fixture.noon - 1), now: Fixture.noon)
        #expect(second.totals(now: Fixture.noon)?.currencies.map(\.amount) == [7])
        second.take(refresh(43, settled: 5, observed: Fixture.noon), now: Fixture.noon)
        let late = try #require(second.totals(now: Fixture.noon))
        #expect(late.currencies.map(\.amount) == [5])
        #expect(!late.isDegraded)
        // Nothing of the old log is left behind.
        let last = try #require(second.checkpoint(since: nil, now: Fixture.noon))
        #expect(last.regions.flatMap(\.marks).map(\.log) == [log])
    }

    @Test("Readers of changes get each changed minute once, or all minutes if they are too late")
    func changes() throws {
        let publication = Publisher(settings: Fixture.settings())
        #expect(publication.minutesChanged(since: nil) == nil)
        publication.take(
            Fixture.refresh(
                minutes: [Fixture.minute(Fixture.eu, Self.current, settled: 1)],
                standings: Fixture.both), now: Fixture.noon)
        let position = publication.changesEnd
        #expect(publication.minutesChanged(since: position) == [])
        let before = Self.current.advanced(by: -3)
        publication.take(
            Fixture.refresh(
                version: 2, isFull: false,
                minutes: [
                    Fixture.minute(Fixture.us, Self.current, settled: 2),
                    Fixture.minute(Fixture.eu, before, settled: 3),
                    // Included in the refresh, but unchanged.
                    Fixture.minute(Fixture.eu, Self.current, settled: 1),
                ], standings: Fixture.both), now: Fixture.noon)
        #expect(publication.minutesChanged(since: position) == [before, Self.current])
        #expect(publication.counters.minutesReplaced == 3)
        #expect(publication.counters.minutesRead == 4)
        #expect(
            publication.totals(of: Self.current) == [
                .init(currency: Fixture.eur, amount: 3, transfers: 2)
            ])
        // A full read of the same values changes nothing.
        let end = publication.changesEnd
        publication.take(
            Fixture.refresh(
                version: 2,
                minutes: [
                    Fixture.minute(Fixture.us, Self.current, settled: 2),
                    Fixture.minute(Fixture.eu, before, settled: 3),
                    Fixture.minute(Fixture.eu, Self.current, settled: 1),
                ], standings: Fixture.both), now: Fixture.noon)
        #expect(publication.minutesChanged(since: end) == [])

        for version in Int64(3)..<40_000 {
            publication.take(
                Fixture.refresh(
                    version: version, isFull: false,
                    minutes: [Fixture.minute(Fixture.eu, before, settled: version)],
                    standings: Fixture.both), now: Fixture.noon)
        }
        #expect(publication.minutesChanged(since: end) == nil)
        #expect(publication.checkpoint(since: end, now: Fixture.noon)?.isWhole == true)
    }

    @Test("A minute is known when every active region has seen it in full")
    func knownMinutes() throws {
        let publication = Publisher(settings: Fixture.settings())
        #expect(publication.knownMinutes == nil)
        publication.take(
            Fixture.refresh(standings: [Fixture.shard(Fixture.eu): Fixture.standing()]),
            now: Fixture.noon)
        #expect(publication.knownMinutes == nil)
        let from = Self.current.advanced(by: -100)
        publication.take(
            Fixture.refresh(
                version: 2,
                standings: [
                    Fixture.shard(Fixture.eu): Fixture.standing(),
                    Fixture.shard(Fixture.us): Fixture.standing(
                        completeFrom: from, observed: Fixture.noon - 120_000),
                ]), now: Fixture.noon)
        #expect(publication.knownMinutes == from...Self.current.advanced(by: -2))
        let retired = Publisher(settings: Fixture.settings(retired: [Fixture.us]))
        retired.take(
            Fixture.refresh(
                standings: [Fixture.shard(Fixture.eu): Fixture.standing(completeFrom: from)]),
            now: Fixture.noon)
        #expect(retired.knownMinutes == from...Self.current)
    }

    /// A relay was dead for two days, during which HQ restarted, and comes back.
    @Test("Minutes ahead of an old window are read again before the window reaches them")
    func oldProof() throws {
        typealias Fixture = PublicationTests
        let publication = Publisher(settings: Fixture.settings(regions: [Fixture.eu]))
        let old = Fixture.standing(observed: Fixture.noon - 50 * 3_600_000)
        let fresh = Fixture.minute(
            Fixture.eu, Fixture.noon.minute.advanced(by: -2), settled: 70)
        let shard = Fixture.shard(Fixture.eu)
        publication.take(
            Fixture.refresh(minutes: [fresh], standings: [shard: old]), now: Fixture.noon)
        #expect(publication.totals(now: Fixture.noon)?.currencies.map(\.amount) == [])
        let before = publication.totals(now: Fixture.noon)?.dataAsOf

        // The proof is back, and nothing else has changed.
        publication.take(
            Fixture.refresh(
                version: 2, isFull: false, standings: [shard: Fixture.standing(watermark: 11)]),
            now: Fixture.noon)
        #expect(publication.readPosition == nil)
        let waiting = try #require(publication.totals(now: Fixture.noon))
        #expect(waiting.dataAsOf == before)
        publication.take(
            Fixture.refresh(
                version: 2, minutes: [fresh],
                standings: [shard: Fixture.standing(watermark: 11)]), now: Fixture.noon)
        let total = try #require(publication.totals(now: Fixture.noon))
        #expect(total.currencies.map(\.amount) == [70])
        #expect(total.dataAsOf == Fixture.noon)
        #expect(publication.readPosition != nil)
    }
}
