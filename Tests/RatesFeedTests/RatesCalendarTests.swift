import CivilTime
import Money
import RatesFeed
import Testing
import Topology

@Suite struct RatesCalendarTests {
    private static func staleFrom(
        _ date: String, _ calendar: RatesCalendar, publishedAt: String? = nil
    ) throws -> String? {
        let rates = try RatesFixture.rates(
            ["USD": "1"], date: date, publishedAt: publishedAt.map(RatesFixture.time))
        return calendar.staleFrom(rates).map(RFC3339.format)
    }

    @Test(arguments: [
        ("2026-11-19", "2026-11-20T17:00:00Z"), ("2026-11-20", "2026-11-23T17:00:00Z"),
        ("2026-07-01", "2026-07-02T16:00:00Z"), ("2026-04-02", "2026-04-07T16:00:00Z"),
        ("2026-12-31", "2027-01-04T17:00:00Z"), ("2026-10-23", "2026-10-26T17:00:00Z"),
    ])
    func `daily rates are stale two hours after the next ones were due`(
        date: String, expected: String
    ) throws {
        #expect(
            try Self.staleFrom(date, .targetDays(grace: .seconds(7_200))) == expected)
    }

    @Test func `Easter is not stale, and the evening after it is`() throws {
        let rates = try RatesFixture.rates(["USD": "1"], date: "2026-04-02")
        let reading = RatesReading(
            set: rates.set,
            staleFrom: RatesCalendar.targetDays(grace: .seconds(7_200)).staleFrom(rates))
        #expect(!reading.isStale(at: RatesFixture.time("2026-04-07T15:59:59Z")))
        #expect(reading.isStale(at: RatesFixture.time("2026-04-07T16:00:00Z")))
    }

    @Test func `hourly rates are stale an hour and the grace after their time`() throws {
        #expect(
            try Self.staleFrom(
                "2026-11-20", .hourly(grace: .seconds(7_200)),
                publishedAt: "2026-11-20T23:30:00Z") == "2026-11-21T02:30:00Z")
    }

    @Test func `a file's rates are stale when its own bound says so, or never`() throws {
        #expect(
            try Self.staleFrom("2026-03-25", .byHand(staleAfter: .seconds(93_600)))
                == "2026-03-26T02:00:00Z")
        #expect(try Self.staleFrom("2026-03-25", .byHand(staleAfter: nil)) == nil)
    }

    @Test func `each source keeps to its own calendar`() throws {
        let url = try #require(ResourceURL("https://rates.example/daily"))
        let grace = Duration.seconds(7_200)
        #expect(RatesCalendar(RatesSource(file: "a")) == .byHand(staleAfter: nil))
        #expect(
            RatesCalendar(RatesSource(provider: .europeanCentralBank, url: url))
                == .targetDays(grace: grace))
        #expect(
            RatesCalendar(RatesSource(provider: .frankfurter, url: url))
                == .targetDays(grace: grace))
        #expect(
            RatesCalendar(RatesSource(provider: .openExchangeRates, url: url))
                == .hourly(grace: grace))
    }
}
