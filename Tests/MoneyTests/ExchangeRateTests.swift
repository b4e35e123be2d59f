import Money
import Testing

@Suite struct ExchangeRateTests {
    @Test(arguments: [
        ("1", 1, 0), ("1.0842", 10842, 4), ("0.000012", 12, 6), ("17123.45", 1_712_345, 2),
        ("1.1000", 11, 1), ("100", 100, 0), ("100.00", 100, 0), ("0.10", 1, 1),
        ("999999999999999999", 999_999_999_999_999_999, 0),
        ("0.000000000000000000000000000001", 1, 30),
    ])
    func `plain decimal text becomes an exact mantissa and scale`(
        text: String, mantissa: UInt64, scale: Int
    ) throws {
        let rate = try ExchangeRate(text)
        #expect(rate.mantissa == mantissa)
        #expect(rate.scale == scale)
    }

    @Test(arguments: [
        "", ".", "1.", ".5", "01.5", "00", "+1", "1e3", "1.5E-2", "1,5", "1 ", " 1", "1.2.3", "--1",
        "NaN", "inf", "0x10", "1_000", "١", "1\0", "-", "-.5",
    ])
    func `anything else is malformed`(text: String) {
        #expect(throws: ExchangeRateError.malformed) { try ExchangeRate(text) }
    }

    @Test(arguments: ["0", "0.0", "0.000000", "-1", "-0", "-0.5"])
    func `zero and negative rates are refused`(text: String) {
        #expect(throws: ExchangeRateError.notPositive) { try ExchangeRate(text) }
    }

    @Test(arguments: [
        "1000000000000000000", "1.000000000000000001", "0.1234567890123456789",
        String(repeating: "1", count: 1_000_000), "0." + String(repeating: "0", count: 30) + "1",
    ])
    func `too long a text is refused`(text: String) {
        #expect(throws: ExchangeRateError.tooLong) { try ExchangeRate(text) }
    }

    @Test func `the base's own rate is one, whether given or not`() throws {
        let euro = try #require(Currency(code: "EUR"))
        let dollar = try #require(Currency(code: "USD"))
        let rate = try ExchangeRate("1.0842")
        func set(_ rates: [Currency: ExchangeRate]) -> RateSet? {
            RateSet(id: "i", source: "s", date: "2026-03-25", base: euro, rates: rates)
        }
        let without = try #require(set([dollar: rate]))
        #expect(without.rate(of: euro) == .one)
        #expect(without.rate(of: dollar) == rate)
        #expect(without.currencies == [euro, dollar])
        #expect(set([dollar: rate, euro: try ExchangeRate("1.0")]) != nil)
        #expect(set([dollar: rate, euro: try ExchangeRate("1.1")]) == nil)
    }
}
