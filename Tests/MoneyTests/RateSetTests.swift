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

    @Test func `content hashes are those of FNV-1a`() {
        #expect(ContentHash.of("") == "cbf29ce484222325")
        #expect(ContentHash.of("a") == "af63dc4c8601ec8c")
        #expect(ContentHash.of("foobar") == "85944171f73967e8")
    }

    @Test func `the same content has the same id, however it was written`() throws {
        let plain = try Self.id()
        #expect(plain == ContentHash.of("ECB\n2026-03-25\nEUR\nJPY 163.2\nUSD 1.08\n"))
        #expect(try Self.id([Self.yen: "163.20", Self.dollar: "1.0800"]) == plain)
        #expect(try Self.id([Self.euro: "1", Self.yen: "163.2", Self.dollar: "1.08"]) == plain)
    }

    @Test func `any other content has another id`() throws {
        let ids = [
            try Self.id(), try Self.id(source: "file"), try Self.id(date: "2026-03-26"),
            try Self.id([Self.dollar: "1.08"]), try Self.id([:]),
            try Self.id([Self.dollar: "1.081", Self.yen: "163.2"]),
            try Self.id([Self.dollar: "163.2", Self.yen: "1.08"]),
            try Self.id(base: Self.dollar, [Self.euro: "1.08", Self.yen: "163.2"]),
        ]
        #expect(Set(ids).count == ids.count)
    }

    @Test func `a base's own rate is one or there is no set`() throws {
        let rates = [Self.euro: try ExchangeRate("1.01")]
        #expect(
            RateSet(source: "a", date: "2026-03-25", base: Self.euro, rates: rates) == nil)
    }

    @Test(arguments: ["1", "0.5", "163.27", "0.000000000000000001", "999999999999999999"])
    func `a rate is written as it was read`(text: String) throws {
        #expect(try ExchangeRate(text).description == text)
    }

    private static func jump(
        _ before: [Currency: String], _ now: [Currency: String], factor: String = "1.5",
        bases: (before: Currency, now: Currency) = (euro, euro)
    ) throws -> Currency? {
        func set(_ base: Currency, _ rates: [Currency: String]) throws -> RateSet {
            let parsed = try rates.mapValues { try ExchangeRate($0) }
            return try #require(
                RateSet(source: "test", date: "2026-03-25", base: base, rates: parsed))
        }
        return try set(bases.now, now).jump(
            from: set(bases.before, before), beyond: ExchangeRate(factor))
    }

    @Test func `a jump is beyond the factor by any part of it, either way`() throws {
        let before = [Self.yen: "1.00000000000000001"]
        #expect(try Self.jump(before, [Self.yen: "1.50000000000000001"]) == nil)
        #expect(try Self.jump(before, [Self.yen: "1.50000000000000002"]) == Self.yen)
        #expect(try Self.jump([Self.yen: "1.50000000000000001"], before) == nil)
        #expect(try Self.jump([Self.yen: "1.50000000000000002"], before) == Self.yen)
        #expect(try Self.jump([Self.yen: "160"], [Self.yen: "240"]) == nil)
        #expect(try Self.jump([Self.yen: "160"], [Self.yen: "240.0001"]) == Self.yen)
        #expect(try Self.jump([Self.yen: "240"], [Self.yen: "160"]) == nil)
        #expect(try Self.jump([Self.yen: "240"], [Self.yen: "159.9999"]) == Self.yen)
    }

    @Test func `the smallest and the largest rates are compared exactly`() throws {
        let (small, large) = ("0.000000000000000000000000000001", "999999999999999999")
        #expect(try Self.jump([Self.yen: small], [Self.yen: small], factor: "1.01") == nil)
        #expect(try Self.jump([Self.yen: large], [Self.yen: large], factor: "1.01") == nil)
        #expect(try Self.jump([Self.yen: small], [Self.yen: large], factor: large) == Self.yen)
    }

    @Test func `only what both sets have is compared, through a currency of both`() throws {
        #expect(try Self.jump([Self.dollar: "1"], [Self.yen: "160"]) == nil)
        // The same rates, seen from the euro and from the dollar.
        let bases = (before: Self.euro, now: Self.dollar)
        let before = [Self.dollar: "1.25", Self.yen: "160"]
        #expect(try Self.jump(before, [Self.euro: "0.8", Self.yen: "128"], bases: bases) == nil)
        #expect(
            try Self.jump(before, [Self.euro: "0.8", Self.yen: "160"], factor: "1.2", bases: bases)
                == Self.yen)
        #expect(
            try Self.jump(
                before, [Self.euro: "0.8", Self.yen: "160"], factor: "1.25", bases: bases)
                == nil)
        // Neither has the other's base: the yen alone is in both, and has nothing to move against.
        #expect(try Self.jump([Self.yen: "160"], [Self.yen: "1"], bases: bases) == nil)
    }

    @Test(arguments: [
        ("1.00000000000000001", true), ("1.5", true), ("999999999999999999", true), ("1", false),
        ("0.999999999999999999", false), ("0.000000000000000000000000000001", false),
    ])
    func `whether a rate is above one is exact`(text: String, isAboveOne: Bool) throws {
        #expect(try ExchangeRate(text).isAboveOne == isAboveOne)
    }
}
