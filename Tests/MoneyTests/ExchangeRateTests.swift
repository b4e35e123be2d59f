import Money
import Testing

@Suite struct ExchangeRateTests {
    @Test(arguments: [
        ("1", 1, 0), ("1.0842", 10842, 4), ("0.000012", 12, 6), ("17123.45", 1_712_345, 2),
        ("1.1000", 11, 1), ("100", 100, 0), ("100.00", 100, 0), ("0.10", 1, 1),
        ("999999999999999999", 999_999_999_999_999_999, 0),
        ("0.000000000000000000000000000001", 1, 30),
        ("5.9802e-05", 59_802, 9), ("1e3", 1_000, 0), ("1.5E-2", 15, 3), ("1.25e+1", 125, 1),
        ("120e-1", 12, 0), ("0.001e3", 1, 0), ("1e-32", 1, 32),
        ("1e17", 100_000_000_000_000_000, 0),
    ])
    func `decimal text becomes an exact mantissa and scale`(
        text: String, mantissa: UInt64, scale: Int
    ) throws {
        let rate = try ExchangeRate(text)
        #expect(rate.mantissa == mantissa)
        #expect(rate.scale == scale)
    }

    @Test(arguments: [
        "", ".", "1.", ".5", "01.5", "00", "+1", "1e", "1e+", "1e1.5", "e5", "1,5", "1 ", " 1",
        "1.2.3", "--1",
        "NaN", "inf", "0x10", "1_000", "١", "1\0", "-", "-.5",
    ])
    func `anything else is malformed`(text: String) {
        #expect(throws: ExchangeRateError.malformed) { try ExchangeRate(text) }
    }

    @Test(arguments: ["0", "0.0", "0.000000", "-1", "-0", "-0.5", "0e9", "-1e3"])
    func `zero and negative rates are refused`(text: String) {
        #expect(throws: ExchangeRateError.notPositive) { try ExchangeRate(text) }
    }

    @Test(arguments: [
        "1000000000000000000", "1.000000000000000001", "0.1234567890123456789",
        String(repeating: "1", count: 1_000_000), "0." + String(repeating: "0", count: 30) + "1",
        "1e-33", "1e18", "1e999999999999", "1e-999999999999",
    ])
    func `a text that is too long is refused`(text: String) {
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

    private static func agree(
        _ a: String, per b: String = "1", with c: String, per d: String = "1",
        within factor: String = "1.5"
    ) throws -> Bool {
        let agree = try ExchangeRate.agree(
            ExchangeRate(a), per: ExchangeRate(b), with: ExchangeRate(c), per: ExchangeRate(d),
            within: ExchangeRate(factor))
        let turned = try ExchangeRate.agree(
            ExchangeRate(c), per: ExchangeRate(d), with: ExchangeRate(a), per: ExchangeRate(b),
            within: ExchangeRate(factor))
        #expect(agree == turned)
        return agree
    }

    @Test func `rates agree up to exactly the factor, in both directions`() throws {
        #expect(try Self.agree("1.00000000000000001", with: "1.50000000000000001"))
        #expect(try !Self.agree("1.00000000000000001", with: "1.50000000000000002"))
        #expect(try Self.agree("160", with: "240"))
        #expect(try !Self.agree("160", with: "240.0001"))
        let (small, large) = ("0.000000000000000000000000000001", "999999999999999999")
        #expect(try Self.agree(small, with: small, within: "1.01"))
        #expect(try !Self.agree(small, with: large, within: large))
        // 160 yen for 1.25 dollars is 128 yen for one dollar.
        #expect(try Self.agree("160", per: "1.25", with: "128", within: "1.000001"))
        #expect(try !Self.agree("160", per: "1.25", with: "160", within: "1.2"))
        #expect(try Self.agree("160", per: "1.25", with: "160", within: "1.25"))
    }
}
