import Addresses
import CivilTime
import Money
import RatesCore
import RatesFeed
import Testing
import Topology

@Suite struct RatesCalendarTests {
    private static func staleFrom(
        _ date: String, _ calendar: RatesCalendar, publishedAt: String? = nil
    ) -> String? {
        calendar.staleFrom(RatesFixture.time(publishedAt ?? "\(date)T00:00:00Z"))
            .map(RFC3339.format)
    }

    @Test(arguments: [
        ("2026-11-19", "2026-11-20T17:00:00Z"), ("2026-11-20", "2026-11-23T17:00:00Z"),
        ("2026-07-01", "2026-07-02T16:00:00Z"), ("2026-04-02", "2026-04-07T16:00:00Z"),
        ("2026-12-31", "2027-01-04T17:00:00Z"), ("2026-10-23", "2026-10-26T17:00:00Z"),
    ])
    func `daily rates are stale two hours after the next ones were due`(
        date: String, expected: String
    ) {
        #expect(
            Self.staleFrom(date, .targetDays(grace: .seconds(7_200))) == expected)
    }

    @Test func `Easter is not stale, and the evening after it is`() throws {
        let calendar = RatesCalendar.targetDays(grace: .seconds(7_200))
        let (euro, dollar) = (RatesFixture.currency("EUR"), RatesFixture.currency("USD"))
        let set = try #require(
            RateSet(source: "test", date: "2026-04-02", base: euro, rates: [dollar: .one]))
        let reading = RatesReading(
            set: set,
            staleFrom: [
                dollar: try #require(calendar.staleFrom(RatesFixture.time("2026-04-02T00:00:00Z")))
            ])
        #expect(reading.stale(at: RatesFixture.time("2026-04-07T15:59:59Z")) == [])
        #expect(reading.stale(at: RatesFixture.time("2026-04-07T16:00:00Z")) == [dollar, euro])
    }

    @Test func `hourly rates are stale one hour plus the grace after their time`() {
        #expect(
            Self.staleFrom(
                "2026-11-20", .hourly(grace: .seconds(7_200)),
                publishedAt: "2026-11-20T23:30:00Z") == "2026-11-21T02:30:00Z")
    }

    @Test func `a file's rates become stale after the given time, or never`() {
        #expect(
            Self.staleFrom("2026-03-25", .byHand(staleAfter: .seconds(93_600)))
                == "2026-03-26T02:00:00Z")
        #expect(Self.staleFrom("2026-03-25", .byHand(staleAfter: nil)) == nil)
    }

    @Test func `each source has its own calendar`() throws {
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
