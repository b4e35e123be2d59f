import CivilTime
import Federation
import HeadquartersService
import Money
import PublicAPI
import Testing

@Suite struct TotalConverterTests {
    static let time = UnixTime(seconds: 1_774_445_280)
    static let codes = ["EUR", "JPY", "USD"].map { Currency(code: $0)! }

    static func totals(
        _ amounts: [String: Int128], degraded: Bool = false
    ) -> PublishedTotals {
        PublishedTotals(
            currentMinute: time.minute, dataAsOf: time,
            position: StorePosition(storeID: "a", version: 1),
            currencies: amounts.sorted { $0.key < $1.key }.map {
                .init(currency: Currency(code: $0.key)!, amount: $0.value, transfers: 1)
            }, regions: [], degradations: degraded ? [Degradation(.storeUnreachable)] : [])
    }

    static func rates(_ rates: [String: String], date: String = "2026-03-25") throws -> RateSet {
        var parsed: [Currency: ExchangeRate] = [:]
        for (code, text) in rates { parsed[Currency(code: code)!] = try ExchangeRate(text) }
        return try #require(
            RateSet(id: "1", source: "test", date: date, base: codes[0], rates: parsed))
    }

    static func converter(
        _ rates: RateSet?, unconverted: [String] = [], expectsRates: Bool = true,
        staleAfter: Duration? = nil
    ) -> TotalConverter {
        TotalConverter(
            bases: codes, unconverted: unconverted.map { Currency(code: $0)! }, rates: rates,
            expectsRates: expectsRates, staleAfter: staleAfter)
    }

    @Test("Each base gets the whole sum, rounded once, half to even")
    func bases() throws {
        let converter = Self.converter(try Self.rates(["USD": "2", "JPY": "150"]))
        // 0.01 EUR and 0.03 USD are 0.025 EUR, 3.75 JPY, 0.05 USD.
        let answers = converter.answers(
            for: Self.totals(["EUR": 1, "USD": 3]), now: Self.time)
        #expect(answers.map(\.base) == Self.codes)
        #expect(answers.map(\.amount) == [2, 4, 5])
        #expect(answers.allSatisfy { !$0.isDegraded && $0.dataAsOf == Self.time })
    }

    @Test("What totals are degraded by degrades every answer")
    func degraded() throws {
        let converter = Self.converter(try Self.rates(["USD": "2", "JPY": "150"]))
        let answers = converter.answers(for: Self.totals([:], degraded: true), now: Self.time)
        #expect(answers.map(\.isDegraded) == [true, true, true])
    }

    @Test("A currency without a rate is left out and degrades; an unconverted one does not")
    func missingRate() throws {
        let rates = try Self.rates(["USD": "2"])
        let amounts: [String: Int128] = ["EUR": 100, "CHF": 7]
        let guessed = Self.converter(rates).answers(for: Self.totals(amounts), now: Self.time)
        // JPY, a base without a rate, has no answer.
        #expect(guessed.map(\.base.code) == ["EUR", "USD"])
        #expect(guessed.map(\.amount) == [100, 200])
        #expect(guessed.map(\.isDegraded) == [true, true])
        let named = Self.converter(rates, unconverted: ["CHF"])
            .answers(for: Self.totals(amounts), now: Self.time)
        #expect(named.map(\.amount) == [100, 200])
        #expect(named.map(\.isDegraded) == [false, false])
    }

    @Test("Rates are stale from the named time after the beginning of their day")
    func stale() throws {
        // 13:28 on the day of the rates.
        let rates = try Self.rates(["USD": "2", "JPY": "150"], date: "2026-03-25")
        for (staleAfter, isDegraded) in [
            (Duration.seconds(13 * 3_600 + 28 * 60 + 1), false),
            (.seconds(13 * 3_600 + 28 * 60), true),
        ] {
            let answers = Self.converter(rates, staleAfter: staleAfter)
                .answers(for: Self.totals(["EUR": 1]), now: Self.time)
            #expect(answers.map(\.isDegraded) == Array(repeating: isDegraded, count: 3))
        }
    }

    @Test("Without rates each base stands alone, degraded where something is missing")
    func withoutRates() {
        let amounts: [String: Int128] = ["EUR": 100]
        let configured = Self.converter(nil).answers(for: Self.totals(amounts), now: Self.time)
        #expect(configured.map(\.amount) == [100, 0, 0])
        #expect(configured.map(\.isDegraded) == [true, true, true])
        let none = Self.converter(nil, expectsRates: false)
            .answers(for: Self.totals(amounts), now: Self.time)
        #expect(none.map(\.amount) == [100, 0, 0])
        #expect(none.map(\.isDegraded) == [false, true, true])
    }
}
