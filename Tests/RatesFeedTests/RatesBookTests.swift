import CivilTime
import Identifiers
import Money
import RatesCore
import RatesFeed
import Testing

@Suite("The rates in force, and the events about them") struct RatesBookTests {
    private static let now = RatesFixture.time("2026-11-20T18:00:00Z")
    private static let good = ["USD": "1.08", "JPY": "172", "GBP": "0.84"]

    private static func book(
        jumpFactorMax: String? = "1.5", isByHand: Bool = false,
        calendar: RatesCalendar = .targetDays(grace: .seconds(7_200)),
        converted: [String] = ["EUR", "USD", "JPY"]
    ) throws -> RatesBook {
        RatesBook(
            policy: RatesPolicy(
                jumpFactorMax: try jumpFactorMax.map { try ExchangeRate($0) },
                isByHand: isByHand),
            calendar: calendar, converted: converted.map(RatesFixture.currency))
    }

    private static func rates(
        _ rates: [String: String] = good, date: String = "2026-11-20", base: String = "EUR",
        publishedAt: String? = nil
    ) throws -> RatesObservation {
        .rates(
            try RatesFixture.rates(
                rates, date: date, base: base, publishedAt: publishedAt.map(RatesFixture.time)))
    }

    @Test func `good rates are used, with their source and time`() throws {
        var book = try Self.book()
        #expect(book.reading == nil)
        let result = book.take(try Self.rates(), now: Self.now)
        #expect(result.isAccepted)
        let reading = try #require(book.reading)
        #expect(
            result.events == [
                .taken(id: reading.set.id, source: "test", date: "2026-11-20", currencies: 4)
            ])
        #expect(reading.fetchedAt == Self.now)
        #expect(reading.confirmedAt == Self.now)
        #expect(reading.missing.isEmpty)
        #expect(reading.held.isEmpty)
        #expect(Set(reading.days.values) == ["2026-11-20"])
        // Friday's rates: newer ones are due on Monday at 15:00 UTC, plus two hours of grace.
        #expect(Set(reading.staleFrom.values) == [RatesFixture.time("2026-11-23T17:00:00Z")])
        #expect(book.counters.accepted == 1)
    }

    @Test func `the same rates confirm the old ones`() throws {
        var book = try Self.book()
        _ = book.take(try Self.rates(), now: Self.now)
        let later = Self.now + 60_000
        let again = book.take(try Self.rates(), now: later)
        #expect(again.isAccepted)
        #expect(again.events.isEmpty)
        #expect(book.reading?.fetchedAt == Self.now)
        #expect(book.reading?.confirmedAt == later)
        #expect(book.take(.confirmed, now: later + 1).events.isEmpty)
        #expect(book.reading?.fetchedAt == Self.now)
        #expect(book.reading?.confirmedAt == later + 1)
        #expect(book.counters.accepted == 1)
        #expect(book.counters.confirmed == 2)
    }

    /// The dollar's rate and day in an answer after `good`, and why the last good rate is held.
    @Test(arguments: [
        ("1.621", "2026-11-20", "jump"), ("0.719", "2026-11-20", "jump"),
        ("108", "2026-11-20", "jump"), (nil, "2026-11-20", "missing"),
        ("1.09", "2026-11-22", "date_in_future"), ("1.09", "2026-11-05", "outdated"),
    ])
    func `a currency whose new rate is not believed keeps its last good one, others change`(
        dollar: String?, date: String, reason: String
    ) throws {
        var book = try Self.book()
        _ = book.take(try Self.rates(), now: Self.now)
        var answer = try RatesFixture.rates(["JPY": "173", "GBP": "0.85"])
        if let dollar {
            answer.quotes[RatesFixture.currency("USD")] = PublishedRates.Quote(
                rate: try ExchangeRate(dollar), day: date)
        }
        let result = book.take(.rates(answer), now: Self.now)
        #expect(result.isAccepted)
        let reading = try #require(book.reading)
        #expect(
            RatesFixture.listed(reading.set) == ["EUR 1", "GBP 0.85", "JPY 173", "USD 1.08"])
        let isJump = reason == "jump"
        let held = HeldRate(
            currency: RatesFixture.currency("USD"), rate: try ExchangeRate("1.08"),
            day: "2026-11-20", reason: reason,
            offered: isJump ? try dollar.map { try ExchangeRate($0) } : nil,
            offeredDay: isJump ? date : nil)
        #expect(reading.held == [held])
        #expect(result.events.last == .held([held]))
        #expect(book.counters.problems.map { "\($0.key) \($0.value)" } == ["\(reason) 1"])
        let again = book.take(.rates(answer), now: Self.now)
        #expect(again.events.isEmpty)
        let back = book.take(try Self.rates(), now: Self.now)
        #expect(book.reading?.held == [])
        #expect(back.events.last == .held([]))
    }

    /// Dates of answers that are refused as a whole after `good` of 2026-11-20.
    @Test(arguments: [
        ("2026-11-19", RatesProblem.dateWentBack), ("2026-11-22", .dateInFuture),
    ])
    func `an older document, or one from the future, changes no rate`(
        date: String, problem: RatesProblem
    ) throws {
        var book = try Self.book()
        _ = book.take(try Self.rates(), now: Self.now)
        let before = book.reading?.set.id
        for _ in 0..<3 {
            let answer = try Self.rates(["USD": "1.09", "JPY": "172"], date: date)
            #expect(!book.take(answer, now: Self.now).isAccepted)
        }
        #expect(book.reading?.set.id == before)
        #expect(book.reading?.held == [])
        #expect(book.counters.problems == [problem: 3])
    }

    @Test func `a date in the future can be corrected to an earlier one`() throws {
        var book = try Self.book()
        _ = book.take(
            try Self.rates(date: "2026-11-21"), now: RatesFixture.time("2026-11-20T07:00:00Z"))
        #expect(book.reading?.set.date == "2026-11-21")
        let back = try Self.rates(["USD": "1.09"], date: "2026-11-20")
        #expect(book.take(back, now: RatesFixture.time("2026-11-20T16:00:00Z")).isAccepted)
        let reading = try #require(book.reading)
        #expect(reading.days[RatesFixture.currency("USD")] == "2026-11-20")
        #expect(reading.set.rate(of: RatesFixture.currency("USD")) == (try ExchangeRate("1.09")))
    }

    @Test func `a problem is reported once, and so is its end`() throws {
        var book = try Self.book()
        let torn = RatesObservation.problem(.torn, detail: "half", retryAfter: nil)
        let failed = RatesObservation.problem(.status(503), detail: "status 503", retryAfter: nil)
        #expect(book.take(torn, now: Self.now).events == [.problem(.torn, detail: "half")])
        #expect(book.take(torn, now: Self.now).events.isEmpty)
        #expect(
            book.take(failed, now: Self.now).events
                == [.problem(.status(503), detail: "status 503")])
        let taken = book.take(try Self.rates(), now: Self.now).events
        #expect(taken.first == .recovered(from: .status(503)))
        #expect(taken.count == 2)
        #expect(book.take(failed, now: Self.now).events.count == 1)
        #expect(book.take(.nothingNew, now: Self.now).events.isEmpty)
        #expect(book.take(.confirmed, now: Self.now).events == [.recovered(from: .status(503))])
        #expect(book.counters.problems == [.torn: 2, .status(503): 2])
    }

    @Test func `a change up to the limit is used, however it is written`() throws {
        for usd in ["1.62", "0.72", "1.620000"] {
            var book = try Self.book()
            _ = book.take(try Self.rates(), now: Self.now)
            let moved = try Self.rates(["USD": usd, "JPY": "172", "GBP": "0.84"])
            #expect(book.take(moved, now: Self.now).isAccepted, "\(usd)")
        }
        var unbounded = try Self.book(jumpFactorMax: nil)
        _ = unbounded.take(try Self.rates(), now: Self.now)
        #expect(
            unbounded.take(try Self.rates(["USD": "108000", "JPY": "1"]), now: Self.now)
                .isAccepted)
    }

    @Test func `documents of different bases are compared by cross rates`() throws {
        var book = try Self.book(converted: ["EUR", "USD", "JPY", "GBP"])
        _ = book.take(try Self.rates(), now: Self.now)
        // The same rates with the dollar as base, rounded.
        let same = try Self.rates(["EUR": "0.926", "JPY": "159.26", "GBP": "0.778"], base: "USD")
        #expect(book.take(same, now: Self.now).isAccepted)
        #expect(book.reading?.set.base.code == "USD")
        let wrong = try Self.rates(["USD": "1.08", "JPY": "172", "GBP": "8"])
        let result = book.take(wrong, now: Self.now)
        #expect(result.events == [.problem(.baseChanged, detail: "EUR instead of USD")])
        #expect(!book.take(wrong, now: Self.now + 1_200_000).isAccepted)
        #expect(book.take(wrong, now: Self.now + 1_800_000).isAccepted)
        #expect(book.reading?.set.rate(of: RatesFixture.currency("GBP")) == (try ExchangeRate("8")))
        // A jump of an unconverted currency has no effect.
        var narrow = try Self.book()
        _ = narrow.take(same, now: Self.now)
        #expect(narrow.take(wrong, now: Self.now).isAccepted)
    }

    @Test func `a currency that never had a rate is listed until it has one`() throws {
        var book = try Self.book(converted: ["EUR", "USD", "JPY", "KWD"])
        let first = book.take(try Self.rates(), now: Self.now)
        #expect(first.events.last == .missing([RatesFixture.currency("KWD")]))
        let second = book.take(try Self.rates(["USD": "1.09", "JPY": "172"]), now: Self.now)
        #expect(second.events.contains { if case .missing = $0 { true } else { false } } == false)
        let back = try Self.rates(["USD": "1.09", "JPY": "172", "GBP": "0.84", "KWD": "0.33"])
        #expect(book.take(back, now: Self.now).events.contains(.missing([])))
        #expect(book.reading?.missing == [])
    }

    @Test func `a day may be tomorrow, and clocks may be wrong by an hour`() throws {
        func taken(_ observation: RatesObservation, at now: String) throws -> Bool {
            var book = try Self.book()
            return book.take(observation, now: RatesFixture.time(now)).isAccepted
        }
        let day = try Self.rates(date: "2026-11-21")
        #expect(try !taken(day, at: "2026-11-19T23:59:59Z"))
        #expect(try taken(day, at: "2026-11-20T00:00:00Z"))
        let second = try Self.rates(date: "2026-11-21", publishedAt: "2026-11-21T12:00:00Z")
        #expect(try !taken(second, at: "2026-11-21T10:59:59Z"))
        #expect(try taken(second, at: "2026-11-21T11:00:00Z"))
    }

    @Test func `within a day, the time of publication decides`() throws {
        var book = try Self.book(calendar: .hourly(grace: .seconds(7_200)))
        _ = book.take(try Self.rates(publishedAt: "2026-11-20T17:00:00Z"), now: Self.now)
        let dollar = RatesFixture.currency("USD")
        #expect(book.reading?.staleFrom[dollar] == RatesFixture.time("2026-11-20T20:00:00Z"))
        let older = try Self.rates(publishedAt: "2026-11-20T16:00:00Z")
        #expect(book.take(older, now: Self.now).events.count == 1)
        #expect(book.counters.problems == [.dateWentBack: 1])
        // The same rates, published again: fresher, although unchanged.
        let newer = try Self.rates(publishedAt: "2026-11-20T18:00:00Z")
        #expect(book.take(newer, now: Self.now).isAccepted)
        #expect(book.reading?.staleFrom[dollar] == RatesFixture.time("2026-11-20T21:00:00Z"))
        #expect(book.reading?.fetchedAt == Self.now)
    }

    @Test func `a file may have any date and any currencies`() throws {
        var book = try Self.book(
            jumpFactorMax: nil, isByHand: true,
            calendar: .byHand(staleAfter: .seconds(93_600)))
        for date in ["2026-11-20", "2027-01-01", "1999-01-04"] {
            #expect(book.take(try Self.rates(["GBP": "2"], date: date), now: Self.now).isAccepted)
        }
        let reading = try #require(book.reading)
        #expect(reading.fetchedAt == nil)
        #expect(reading.confirmedAt == nil)
        // A currency that the file leaves out has no rate.
        #expect(RatesFixture.listed(reading.set) == ["EUR 1", "GBP 2"])
        #expect(reading.stale(at: RatesFixture.time("1999-01-05T02:00:00Z")).count == 2)
        #expect(reading.stale(at: RatesFixture.time("1999-01-05T01:59:59Z")).isEmpty)
    }
}
