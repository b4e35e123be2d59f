import CivilTime
import DeltaProtocol
import Federation
import Publishing
import Testing

/// Money outside the total.
@Suite struct PublicationAccountsTests {
    private typealias Base = PublicationTests
    private let current = Base.noon.minute

    private func entry(
        _ ago: Int, late: Int64 = 0, missed: Int64 = 0, settled: Int64 = 0, correction: Int64 = 0
    ) -> RegionMinute {
        func values(_ settled: Int64, _ correction: Int64 = 0) -> [RegionMinute.CurrencyValue] {
            guard settled != 0 || correction != 0 else { return [] }
            return [
                .init(
                    currency: Base.eur,
                    value: BucketValue(settled: settled, transfers: 1, correction: correction))
            ]
        }
        return RegionMinute(
            region: Base.eu, minute: current.advanced(by: -ago),
            values: values(settled, correction), late: values(late), missed: values(missed))
    }

    private func accounts(
        _ publisher: Publisher, at time: UnixTime = Base.noon
    ) throws -> PublishedTotals.RegionTotal.Accounts {
        let totals = try #require(publisher.totals(now: time))
        return try #require(totals.regions.first { $0.region == Base.eu }?.accounts)
    }

    /// Transfers that arrive for seeded minutes count as late money, because they may be repeats.
    @Test func `late money in seeded minutes of the window degrades the answer`() throws {
        var standings = Base.both
        standings[Base.shard(Base.eu)]?.claims = Claims(
            valuesFrom: current.advanced(by: -1_439), idsFrom: current.advanced(by: -60))
        let incomplete = [Degradation(.incomplete, region: Base.eu)]
        for (ago, degradations) in [(60, []), (61, incomplete), (1_439, incomplete), (1_440, [])] {
            let publisher = Publisher(settings: Base.settings())
            publisher.take(
                Base.refresh(minutes: [entry(ago, late: 1)], standings: standings), now: Base.noon)
            let totals = try #require(publisher.totals(now: Base.noon))
            #expect(totals.degradations == degradations, "\(ago)")
        }
    }

    @Test func `late and missed money in the window is reported outside the total`() throws {
        let publisher = Publisher(settings: Base.settings())
        publisher.take(
            Base.refresh(
                minutes: [
                    entry(1_440, late: 1_000, missed: 2_000), entry(1_439, late: 1, missed: 20),
                    entry(3, late: 300, settled: 7),
                ], standings: Base.both), now: Base.noon)
        let first = try accounts(publisher)
        #expect(first.late == [.init(currency: Base.eur, amount: 301, transfers: 2)])
        #expect(first.missed == [.init(currency: Base.eur, amount: 20, transfers: 1)])
        #expect(
            try #require(publisher.totals(now: Base.noon)).currencies == [
                .init(currency: Base.eur, amount: 7, transfers: 1)
            ])
        // The minute is read again, without late money.
        publisher.take(
            Base.refresh(
                version: 2, isFull: false, minutes: [entry(3, settled: 7)],
                standings: Base.both), now: Base.noon)
        #expect(
            try accounts(publisher).late == [
                .init(currency: Base.eur, amount: 1, transfers: 1)
            ])
        // The window moves on.
        #expect(try accounts(publisher, at: Base.noon + 60_000).missed == [])
        // Another database has none.
        publisher.take(
            Base.refresh(version: 1, storeID: "b", minutes: [], standings: Base.both),
            now: Base.noon)
        #expect(try accounts(publisher).late == [])
    }

    @Test func `money ahead is reported until its minute comes`() throws {
        let publisher = Publisher(settings: Base.settings())
        publisher.take(
            Base.refresh(
                minutes: [
                    entry(-5, settled: 1), entry(-6, settled: 20), entry(-3_000, settled: 300),
                ], standings: Base.both), now: Base.noon)
        let ahead = try accounts(publisher).ahead
        #expect(ahead == [.init(currency: Base.eur, amount: 320, transfers: 2)])
        let totals = try #require(publisher.totals(now: Base.noon))
        #expect(totals.degradations.contains(Degradation(.ahead, region: Base.eu)))
    }

    @Test func `rejections are seen across a refill`() throws {
        let publisher = Publisher(settings: Base.settings())
        func take(_ version: Int64, rejected: Int64?) {
            var standings = [Base.shard(Base.us): Base.standing()]
            if let rejected {
                var standing = Base.standing()
                standing.counters.applied = 50
                standing.counters.rejected = rejected
                standings[Base.shard(Base.eu)] = standing
            }
            publisher.take(
                Base.refresh(version: version, isFull: version == 1, standings: standings),
                now: Base.noon)
        }
        take(1, rejected: 0)
        take(2, rejected: nil)
        take(3, rejected: 40)
        let totals = try #require(publisher.totals(now: Base.noon))
        #expect(totals.degradations.contains(Degradation(.rejecting, region: Base.eu)))
    }

    @Test func `corrections are summed, and their buckets counted`() throws {
        let publisher = Publisher(settings: Base.settings())
        publisher.take(
            Base.refresh(
                minutes: [
                    entry(1_440, settled: 5, correction: 1_000),
                    entry(9, settled: 5, correction: -40), entry(4, correction: 100),
                    entry(2, settled: 9),
                ], standings: Base.both), now: Base.noon)
        #expect(
            try accounts(publisher).corrections == [
                .init(currency: Base.eur, amount: 60, transfers: 2)
            ])
        publisher.take(
            Base.refresh(
                version: 2, isFull: false, minutes: [entry(9, settled: 5)],
                standings: Base.both), now: Base.noon)
        #expect(
            try accounts(publisher).corrections == [
                .init(currency: Base.eur, amount: 100, transfers: 1)
            ])
    }
}
