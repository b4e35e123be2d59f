import Money
import Publishing
import Testing

@Suite struct TotalConverterTests {
    static let codes = ["EUR", "JPY", "USD"].map { Currency(code: $0)! }

    static func totals(_ amounts: [String: Int128]) -> [PublishedTotals.CurrencyTotal] {
        amounts.sorted { $0.key < $1.key }.map {
            .init(currency: Currency(code: $0.key)!, amount: $0.value, transfers: 1)
        }
    }

    static func rates(
        _ rates: [String: String], id: String = "1", date: String = "2026-03-25"
    ) throws -> RateSet {
        var parsed: [Currency: ExchangeRate] = [:]
        for (code, text) in rates { parsed[Currency(code: code)!] = try ExchangeRate(text) }
        return try #require(
            RateSet(id: id, source: "test", date: date, base: codes[0], rates: parsed))
    }

    static func converter(_ rates: RateSet?, unconverted: [String] = []) -> TotalConverter {
        TotalConverter(
            bases: codes, unconverted: unconverted.map { Currency(code: $0)! }, rates: rates)
    }

    @Test("Each base gets the whole sum, rounded once, half to even")
    func bases() throws {
        let converter = Self.converter(try Self.rates(["USD": "2", "JPY": "150"]))
        // 0.01 EUR and 0.03 USD are 0.025 EUR, 3.75 JPY, 0.05 USD.
        #expect(converter.amounts(of: Self.totals(["EUR": 1, "USD": 3])) == [2, 4, 5])
        #expect(converter.leftOut(of: Self.totals(["EUR": 1, "USD": 3])) == [])
    }

    @Test("A currency without a rate is left out and listed; an unconverted one is not listed")
    func missingRate() throws {
        let rates = try Self.rates(["USD": "2"])
        let totals = Self.totals(["CHF": 7, "EUR": 100])
        let guessed = Self.converter(rates)
        // JPY, a base without a rate, has no amount.
        #expect(guessed.amounts(of: totals) == [100, nil, 200])
        #expect(guessed.leftOut(of: totals).map(\.code) == ["CHF"])
        #expect(guessed.leftOut(of: Self.totals(["CHF": 0])) == [])
        let named = Self.converter(rates, unconverted: ["CHF"])
        #expect(named.amounts(of: totals) == [100, nil, 200])
        #expect(named.leftOut(of: totals) == [])
        // An unconverted currency with a rate is left out too.
        let without = Self.converter(rates, unconverted: ["EUR"])
        #expect(without.amounts(of: totals) == [0, nil, 0])
    }

    @Test("Without rates each base has only its own money, and the others are listed")
    func withoutRates() {
        let converter = Self.converter(nil)
        let totals = Self.totals(["CHF": 7, "EUR": 100])
        #expect(converter.amounts(of: totals) == [100, 0, 0])
        #expect(converter.leftOut(of: totals).map(\.code) == ["CHF", "EUR"])
        let alone = TotalConverter(bases: [Self.codes[0]], unconverted: [], rates: nil)
        #expect(alone.leftOut(of: Self.totals(["EUR": 100])) == [])
    }
}
