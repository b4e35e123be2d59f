import Money
import Publishing
import Testing

@Suite("How old the rates of a total are") struct RatesAgeTests {
    private static let euro = Currency(code: "EUR")!
    private static let dollar = Currency(code: "USD")!
    private static let yen = Currency(code: "JPY")!

    private static func age(
        _ worth: [(Currency, Int128)], days: [Currency: String], stale: Set<Currency> = [],
        bases: [Currency] = [euro]
    ) throws -> RatesAge {
        let set = try #require(
            RateSet(
                source: "test", date: "2026-11-27", base: euro, rates: [dollar: .one, yen: .one]))
        return RatesAge(
            of: RatesInForce(set: set, days: days, stale: stale),
            worth: worth.map { (currency: $0.0, amount: $0.1) }, bases: bases)
    }

    @Test("A rate determines the date only if it converts a hundredth of the money")
    func hundredth() throws {
        let days = [Self.dollar: "2026-11-14", Self.yen: "2026-11-27"]
        let one = try Self.age(
            [(Self.dollar, 10), (Self.yen, 990)], days: days, stale: [Self.dollar])
        #expect(one.day == "2026-11-14")
        #expect(one.stale == [Self.dollar])
        let less = try Self.age(
            [(Self.dollar, 10), (Self.yen, 991)], days: days, stale: [Self.dollar])
        #expect(less.day == "2026-11-27")
        #expect(less.stale == [])
        // Negative amounts count like positive ones.
        let back = try Self.age(
            [(Self.dollar, -10), (Self.yen, 990)], days: days, stale: [Self.dollar])
        #expect(back.stale == [Self.dollar])
    }

    @Test("Conversion into a base uses the base's own rate, even if little money is in it")
    func ownRate() throws {
        let days = [Self.dollar: "2026-11-14", Self.yen: "2026-11-27"]
        let worth = [(Self.dollar, Int128(1)), (Self.yen, 1_000)]
        let inEuro = try Self.age(worth, days: days, stale: [Self.dollar])
        #expect(inEuro.day == "2026-11-27")
        let inDollar = try Self.age(
            worth, days: days, stale: [Self.dollar], bases: [Self.euro, Self.dollar])
        #expect(inDollar.day == "2026-11-14")
        #expect(inDollar.stale == [Self.dollar])
        // Dollars in dollars need no rate.
        let alone = try Self.age(
            [(Self.dollar, 1_000)], days: days, stale: [Self.dollar], bases: [Self.dollar])
        #expect(alone.day == "2026-11-27")
        #expect(alone.stale == [])
    }

    @Test("Without money, the newest rates determine the date")
    func quiet() throws {
        let days = [Self.dollar: "2026-11-14", Self.yen: "2026-11-27"]
        let some = try Self.age([], days: days, stale: [Self.dollar])
        #expect(some.day == "2026-11-27")
        #expect(some.stale == [])
        let all = try Self.age([], days: days, stale: [Self.dollar, Self.yen, Self.euro])
        #expect(all.stale == [Self.euro])
    }

    @Test("Sums of any size cause no overflow")
    func large() throws {
        let days = [Self.dollar: "2026-11-14", Self.yen: "2026-11-27"]
        let age = try Self.age([(Self.dollar, .max), (Self.yen, .min)], days: days)
        #expect(age.day == "2026-11-14")
    }
}
