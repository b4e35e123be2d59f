import CivilTime
import Identifiers
import Money
import RatesCore
import RatesFeed
import Testing
import Topology

@Suite("When a jump is believed") struct BelievedJumpTests {
    private static let start = RatesFixture.time("2026-11-20T12:00:00Z")
    private static let dollar = RatesFixture.currency("USD")

    /// A book that gets dollar rates at given minutes.
    private struct Told {
        var book: RatesBook

        init() throws {
            book = RatesBook(
                policy: RatesPolicy(jumpFactorMax: try ExchangeRate("1.5")),
                calendar: .hourly(grace: .seconds(7_200)), converted: [dollar])
        }

        /// The dollar's rate in force after an answer.
        mutating func rate(_ dollar: String, at minute: Int64) throws -> String {
            let now = start + minute * 60_000
            let answer = try RatesFixture.rates(["USD": dollar, "GBP": "0.84"], publishedAt: now)
            #expect(book.take(.rates(answer), now: now).isAccepted)
            return rate
        }

        /// The dollar's rate in force after an answer of another source.
        mutating func hear(
            _ rates: [String: String], base: String = "EUR", date: String = "2026-11-20",
            from witness: Int = 0, at minute: Int64
        ) throws -> String {
            let word = try RatesFixture.rates(rates, date: date, base: base)
            _ = book.hear(.rates(word), from: witness, now: start + minute * 60_000)
            return rate
        }

        var rate: String { book.reading?.set.rate(of: dollar)?.description ?? "none" }
    }

    @Test func `three answers that agree over half an hour are believed`() throws {
        var told = try Told()
        #expect(try told.rate("1.08", at: 0) == "1.08")
        #expect(try told.rate("108", at: 10) == "1.08")
        #expect(try told.rate("109", at: 20) == "1.08")
        // The third answer is too early, the fourth is not.
        #expect(try told.rate("110", at: 39) == "1.08")
        #expect(try told.rate("111", at: 40) == "111")
        #expect(told.book.reading?.held == [])
        // Two answers are too few, whatever the time between them.
        #expect(try told.rate("3000", at: 100) == "111")
        #expect(try told.rate("3000", at: 1_000) == "111")
        #expect(try told.rate("3000", at: 1_001) == "3000")
    }

    @Test func `a different answer restarts the count, and a return ends it`() throws {
        var told = try Told()
        _ = try told.rate("1.08", at: 0)
        for (minute, rate) in [(10, "108"), (30, "108"), (50, "1000"), (70, "1000")] {
            #expect(try told.rate(rate, at: Int64(minute)) == "1.08")
        }
        #expect(try told.rate("1.09", at: 80) == "1.09")
        #expect(try told.rate("1000", at: 90) == "1.09")
        #expect(told.book.reading?.held.map(\.reason) == ["jump"])
    }

    @Test func `a wrong first rate is replaced, also across a restart`() throws {
        var told = try Told()
        #expect(try told.rate("415.8", at: 0) == "415.8")
        #expect(try told.rate("1.08", at: 15) == "415.8")
        #expect(try told.rate("1.081", at: 30) == "415.8")
        let kept = KeptRates(
            provider: .openExchangeRates, ledger: try #require(told.book.ledger),
            fetchedAt: Self.start)
        // The count continues after a restart.
        var next = try Told()
        let isOn = next.book.goOn(
            with: try KeptRates(kept.bytes).ledger, fetchedAt: Self.start,
            now: Self.start + 40 * 60_000)
        #expect(isOn)
        #expect(next.rate == "415.8")
        #expect(try next.rate("1.082", at: 45) == "1.082")
    }

    @Test func `not modified counts as the same answer again`() throws {
        var told = try Told()
        _ = try told.rate("1.08", at: 0)
        _ = try told.rate("108", at: 10)
        for (minute, expected) in [(20, "1.08"), (39, "1.08"), (40, "108")] {
            _ = told.book.take(.confirmed, now: Self.start + Int64(minute) * 60_000)
            #expect(told.rate == expected)
        }
    }

    @Test func `a rate that returns within a day of a believed jump is believed at once`() throws {
        var told = try Told()
        _ = try told.rate("1.08", at: 0)
        for minute: Int64 in [10, 25, 40] { _ = try told.rate("108", at: minute) }
        #expect(told.rate == "108")
        #expect(try told.rate("1.09", at: 1_400) == "1.09")
        // The wrong rate cannot return the same way.
        #expect(try told.rate("108", at: 1_410) == "1.09")
        #expect(try told.rate("1.09", at: 1_420) == "1.09")

        var late = try Told()
        _ = try late.rate("1.08", at: 0)
        for minute: Int64 in [10, 25, 40] { _ = try late.rate("108", at: minute) }
        #expect(try late.rate("1.09", at: 40 + 1_441) == "108")
    }

    @Test func `another source confirms a jump, whichever answers first`() throws {
        var told = try Told()
        _ = try told.rate("1.08", at: 0)
        _ = try told.rate("108", at: 10)
        #expect(try told.hear(["USD": "107"], at: 11) == "108")
        #expect(told.book.counters.accepted == 2)
        // In units of another base: 0.0001 euro for one dollar.
        #expect(try told.hear(["EUR": "0.0001"], base: "USD", from: 1, at: 12) == "108")
        #expect(try told.rate("10000", at: 13) == "10000")
    }

    @Test func `a witness that is old or also agrees with the last rate confirms nothing`() throws {
        var told = try Told()
        _ = try told.rate("1", at: 0)
        // The square root of two is within the factor of both 1 and 2.
        _ = try told.hear(["USD": "1.4142"], at: 1)
        #expect(try told.rate("2", at: 10) == "1")
        #expect(try told.hear(["USD": "2"], date: "2026-11-05", at: 11) == "1")
        #expect(try told.hear(["USD": "2"], date: "2026-11-22", at: 12) == "1")
        #expect(try told.hear(["USD": "2"], date: "2026-11-06", at: 13) == "2")
    }

    @Test func `an operator accepts a rate of one currency, then withdraws it`() throws {
        var told = try Told()
        _ = try told.rate("1.08", at: 0)
        #expect(try told.hear(["GBP": "84"], from: 1, at: 1) == "1.08")
        #expect(try told.rate("108", at: 10) == "1.08")
        #expect(try told.hear(["USD": "108"], from: 1, at: 11) == "108")
        // Removing the file withdraws the acceptance and is not reported as a problem.
        let missing = RatesObservation.problem(.fileMissing, detail: "gone", retryAfter: nil)
        #expect(told.book.hear(missing, from: 1, now: Self.start + 720_000).events.isEmpty)
        #expect(told.book.counters.problems[.fileMissing] == nil)
        #expect(try told.rate("10800", at: 13) == "108")
    }

    @Test func `a witness's problem is reported once and withdraws nothing`() throws {
        var told = try Told()
        _ = try told.hear(["USD": "108"], at: 0)
        let torn = RatesObservation.problem(.torn, detail: "half", retryAfter: nil)
        #expect(
            told.book.hear(torn, from: 0, now: Self.start).events
                == [.problem(.torn, detail: "half")])
        #expect(told.book.hear(torn, from: 0, now: Self.start).events.isEmpty)
        _ = try told.rate("1.08", at: 0)
        #expect(try told.rate("108", at: 1) == "108")
    }
}
