import CivilTime
import Money
import RatesFeed
import Testing
import Topology

@Suite("What is believed, and what is said about it") struct RatesBookTests {
    private static let now = RatesFixture.time("2026-11-20T18:00:00Z")
    private static let good = ["USD": "1.08", "JPY": "172", "GBP": "0.84"]

    private static func book(
        jumpFactorMax: String? = "1.5", requiredBase: String? = "USD", allowsAnyDate: Bool = false,
        calendar: RatesCalendar = .targetDays(grace: .seconds(7_200)),
        converted: [String] = ["EUR", "USD", "JPY"]
    ) throws -> RatesBook {
        RatesBook(
            policy: RatesPolicy(
                jumpFactorMax: try jumpFactorMax.map { try ExchangeRate($0) },
                requiredBase: requiredBase.map(RatesFixture.currency),
                allowsAnyDate: allowsAnyDate),
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

    @Test func `good rates are taken, with where and when they come from`() throws {
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
        // Friday's rates: newer ones are due on Monday at 15:00 UTC, and two hours of grace.
        #expect(reading.staleFrom == RatesFixture.time("2026-11-23T17:00:00Z"))
        #expect(book.counters.accepted == 1)
    }

    @Test func `the same rates again confirm the old ones`() throws {
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

    /// Rates that are not believed after `good` of 2026-11-20, and why.
    @Test(arguments: [
        (["USD": "1.621", "JPY": "172", "GBP": "0.84"], "2026-11-20", RatesProblem.jump),
        (["USD": "0.719", "JPY": "172", "GBP": "0.84"], "2026-11-20", .jump),
        (["USD": "1.08", "JPY": "17200", "GBP": "0.84"], "2026-11-20", .jump),
        (["JPY": "172", "GBP": "0.84"], "2026-11-20", .baseMissing),
        (["USD": "1.08", "JPY": "172"], "2026-11-19", .dateWentBack),
        (["USD": "1.08", "JPY": "172"], "2026-11-22", .dateInFuture),
    ])
    func `what is not believed leaves the last good rates`(
        rates: [String: String], date: String, problem: RatesProblem
    ) throws {
        var book = try Self.book()
        _ = book.take(try Self.rates(), now: Self.now)
        let before = book.reading?.set.id
        for _ in 0..<3 {
            let result = book.take(try Self.rates(rates, date: date), now: Self.now)
            #expect(!result.isAccepted)
        }
        #expect(book.reading?.set.id == before)
        #expect(book.counters.problems == [problem: 3])
    }

    @Test func `a problem is told once, and so is its end`() throws {
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

    @Test func `a move up to the bound is taken, however it is written`() throws {
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

    @Test func `sets of different bases are compared by cross rates`() throws {
        var book = try Self.book()
        _ = book.take(try Self.rates(), now: Self.now)
        // The same rates seen from the dollar, rounded.
        let same = try Self.rates(["EUR": "0.926", "JPY": "159.26", "GBP": "0.778"], base: "USD")
        #expect(book.take(same, now: Self.now).isAccepted)
        let wrong = try Self.rates(["EUR": "0.926", "JPY": "172", "GBP": "2"], base: "USD")
        let result = book.take(wrong, now: Self.now)
        #expect(result.events == [.problem(.jump, detail: "GBP by more than 1.5")])
    }

    @Test func `missing currencies are flagged once and named until they are back`() throws {
        var book = try Self.book(converted: ["EUR", "USD", "JPY", "KWD"])
        let first = book.take(try Self.rates(), now: Self.now)
        #expect(first.events.last == .missing([RatesFixture.currency("KWD")]))
        // The pound is not converted, but the last set had it.
        let less = try Self.rates(["USD": "1.08", "JPY": "172"])
        let second = book.take(less, now: Self.now)
        #expect(second.isAccepted)
        #expect(second.events.last == .missing(["GBP", "KWD"].map(RatesFixture.currency)))
        let third = book.take(try Self.rates(["USD": "1.09", "JPY": "172"]), now: Self.now)
        #expect(third.events.count == 1)
        #expect(book.reading?.missing.map(\.code) == ["GBP", "KWD"])
        let back = try Self.rates(["USD": "1.09", "JPY": "172", "GBP": "0.84", "KWD": "0.33"])
        #expect(book.take(back, now: Self.now).events.last == .missing([]))
        #expect(book.reading?.missing == [])
    }

    @Test func `a day may begin in the east, and clocks may be wrong by an hour`() throws {
        func taken(_ observation: RatesObservation, at now: String) throws -> Bool {
            var book = try Self.book()
            return book.take(observation, now: RatesFixture.time(now)).isAccepted
        }
        let day = try Self.rates(date: "2026-11-21")
        #expect(try !taken(day, at: "2026-11-20T09:59:59Z"))
        #expect(try taken(day, at: "2026-11-20T10:00:00Z"))
        let second = try Self.rates(date: "2026-11-21", publishedAt: "2026-11-21T12:00:00Z")
        #expect(try !taken(second, at: "2026-11-21T10:59:59Z"))
        #expect(try taken(second, at: "2026-11-21T11:00:00Z"))
    }

    @Test func `within a day the time of publication decides`() throws {
        var book = try Self.book(calendar: .hourly(grace: .seconds(7_200)))
        _ = book.take(try Self.rates(publishedAt: "2026-11-20T17:00:00Z"), now: Self.now)
        #expect(book.reading?.staleFrom == RatesFixture.time("2026-11-20T20:00:00Z"))
        let older = try Self.rates(publishedAt: "2026-11-20T16:00:00Z")
        #expect(book.take(older, now: Self.now).events.count == 1)
        #expect(book.counters.problems == [.dateWentBack: 1])
        // The same rates, published again: fresher, though nothing in them changed.
        let newer = try Self.rates(publishedAt: "2026-11-20T18:00:00Z")
        #expect(book.take(newer, now: Self.now).isAccepted)
        #expect(book.reading?.staleFrom == RatesFixture.time("2026-11-20T21:00:00Z"))
        #expect(book.reading?.fetchedAt == Self.now)
    }

    @Test func `a file is an operator's word: any date, any base`() throws {
        var book = try Self.book(
            jumpFactorMax: nil, requiredBase: nil, allowsAnyDate: true,
            calendar: .byHand(staleAfter: .seconds(93_600)))
        for date in ["2026-11-20", "2027-01-01", "1999-01-04"] {
            #expect(book.take(try Self.rates(["GBP": "2"], date: date), now: Self.now).isAccepted)
        }
        let reading = try #require(book.reading)
        #expect(reading.fetchedAt == nil)
        #expect(reading.confirmedAt == nil)
        #expect(reading.isStale(at: RatesFixture.time("1999-01-05T02:00:00Z")))
        #expect(!reading.isStale(at: RatesFixture.time("1999-01-05T01:59:59Z")))
    }
}
