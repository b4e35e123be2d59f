import Hashing
import Money
import Testing

@Suite struct RateSetTests {
    private static let euro = Currency(code: "EUR")!
    private static let dollar = Currency(code: "USD")!
    private static let yen = Currency(code: "JPY")!

    private static func id(
        source: String = "ECB", date: String = "2026-03-25", base: Currency = euro,
        _ rates: [Currency: String] = [dollar: "1.08", yen: "163.2"]
    ) throws -> String {
        let parsed = try rates.mapValues { try ExchangeRate($0) }
        return try #require(RateSet(source: source, date: date, base: base, rates: parsed)).id
    }

    @Test func `the same content has the same id, however it was written`() throws {
        let plain = try Self.id()
        #expect(plain == FNV1a.hash("ECB\n2026-03-25\nEUR\nJPY 163.2\nUSD 1.08\n".utf8).hexadecimal)
        #expect(try Self.id([Self.yen: "163.20", Self.dollar: "1.0800"]) == plain)
        #expect(try Self.id([Self.euro: "1", Self.yen: "163.2", Self.dollar: "1.08"]) == plain)
    }

    @Test func `different content has a different id`() throws {
        let ids = [
            try Self.id(), try Self.id(source: "file"), try Self.id(date: "2026-03-26"),
            try Self.id([Self.dollar: "1.08"]), try Self.id([:]),
            try Self.id([Self.dollar: "1.081", Self.yen: "163.2"]),
            try Self.id([Self.dollar: "163.2", Self.yen: "1.08"]),
            try Self.id(base: Self.dollar, [Self.euro: "1.08", Self.yen: "163.2"]),
        ]
        #expect(Set(ids).count == ids.count)
    }

    @Test func `a day that differs from the set's date is content`() throws {
        let rates = [Self.dollar: try ExchangeRate("1.08"), Self.yen: try ExchangeRate("163.2")]
        func id(_ days: [Currency: String]) throws -> String {
            try #require(
                RateSet(
                    source: "ECB", date: "2026-03-25", base: Self.euro, rates: rates, days: days)
            ).id
        }
        #expect(try id([Self.euro: "2026-03-01", Self.yen: "2026-03-25"]) == Self.id())
        let content = "ECB\n2026-03-25\nEUR\nJPY 163.2 2026-03-12\nUSD 1.08\n"
        #expect(
            try id([Self.yen: "2026-03-12"]) == FNV1a.hash(content.utf8).hexadecimal)
    }

    @Test func `a set whose base rate is not one is refused`() throws {
        let rates = [Self.euro: try ExchangeRate("1.01")]
        #expect(
            RateSet(source: "a", date: "2026-03-25", base: Self.euro, rates: rates) == nil)
    }

    @Test(arguments: ["1", "0.5", "163.27", "0.000000000000000001", "999999999999999999"])
    func `a rate prints as it was parsed`(text: String) throws {
        #expect(try ExchangeRate(text).description == text)
    }

    @Test(arguments: [
        ("1.00000000000000001", true), ("1.5", true), ("999999999999999999", true), ("1", false),
        ("0.999999999999999999", false), ("0.000000000000000000000000000001", false),
    ])
    func `the comparison of a rate with one is exact`(text: String, isAboveOne: Bool) throws {
        #expect(try ExchangeRate(text).isAboveOne == isAboveOne)
    }
}
