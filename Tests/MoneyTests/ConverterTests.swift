import BigInt
import Hashing
import Money
import Testing

@Suite struct ConverterTests {
    private static func currency(_ code: String) throws -> Currency {
        try #require(Currency(code: code))
    }

    private static func rateSet(_ rates: [String: String]) throws -> RateSet {
        var parsed: [Currency: ExchangeRate] = [:]
        for (code, text) in rates { parsed[try currency(code)] = try ExchangeRate(text) }
        return try #require(
            RateSet(
                id: "test", source: "test", date: "2026-03-25", base: try currency("EUR"),
                rates: parsed))
    }

    /// Converts `amounts` with `rates`, all given by currency code.
    private static func total(
        _ amounts: [(String, Int128)], in target: String, rates: [String: String],
        rounding: RoundingPolicy = .halfEven
    ) throws -> Int128 {
        try Converter(rates: rateSet(rates))
            .sum(amounts.map { (currency: try currency($0.0), minorUnits: $0.1) })
            .minorUnits(in: currency(target), rounding: rounding)
    }

    @Test func `amounts of several exponents add up to one total`() throws {
        let rates = ["USD": "1.25", "JPY": "160", "KWD": "0.4"]
        let amounts: [(String, Int128)] = [
            ("EUR", 100_00), ("USD", 125_00), ("JPY", 16_000), ("KWD", 40_000),
        ]
        // 100 euros four times.
        #expect(try Self.total(amounts, in: "EUR", rates: rates) == 400_00)
        #expect(try Self.total(amounts, in: "USD", rates: rates) == 500_00)
        #expect(try Self.total(amounts, in: "JPY", rates: rates) == 64_000)
        #expect(try Self.total(amounts, in: "KWD", rates: rates) == 160_000)
    }

    @Test(arguments: [
        (RoundingPolicy.halfEven, [0, 2, 2, 4, 4], [0, -2, -2, -4, -4]),
        (RoundingPolicy.halfUp, [1, 2, 3, 4, 5], [-1, -2, -3, -4, -5]),
    ])
    func `exact ties follow the policy`(
        policy: RoundingPolicy, above: [Int128], below: [Int128]
    ) throws {
        // One dollar is half a euro: an odd number of cents is a tie.
        for (place, cents) in [Int128(1), 3, 5, 7, 9].enumerated() {
            let rates = ["USD": "2"]
            let positive = try Self.total(
                [("USD", cents)], in: "EUR", rates: rates, rounding: policy)
            let negative = try Self.total(
                [("USD", -cents)], in: "EUR", rates: rates, rounding: policy)
            #expect(positive == above[place])
            #expect(negative == below[place])
        }
    }

    @Test func `a value just off a tie rounds to the nearer side`() throws {
        // 0.5 of a cent, plus or minus one part in 10^17.
        let below = ["USD": "2.00000000000000001"]
        let above = ["USD": "1.99999999999999999"]
        for policy in RoundingPolicy.allCases {
            #expect(try Self.total([("USD", 1)], in: "EUR", rates: below, rounding: policy) == 0)
            #expect(try Self.total([("USD", 1)], in: "EUR", rates: above, rounding: policy) == 1)
            #expect(try Self.total([("USD", 3)], in: "EUR", rates: below, rounding: policy) == 1)
            #expect(try Self.total([("USD", 3)], in: "EUR", rates: above, rounding: policy) == 2)
        }
    }

    @Test func `a total is rounded once, not by currency`() throws {
        // Three thirds of a cent are one cent; each alone rounds to zero.
        let rates = ["USD": "3", "GBP": "3", "CHF": "3"]
        #expect(
            try Self.total([("USD", 1), ("GBP", 1), ("CHF", 1)], in: "EUR", rates: rates) == 1)
    }

    @Test func `an amount in its own currency is unchanged at any rate`() throws {
        let rates = ["USD": "1.0842", "IDR": "17123.45", "BHD": "0.40903", "CLF": "0.025731"]
        for code in ["EUR", "USD", "IDR", "BHD", "CLF"] {
            let word = Int128(1) << 64
            let amounts: [Int128] = [
                1, -1, 7, word, -word, word - 1, 1 - word, word + 1, -word - 1, word << 36,
                -word << 36, .max, .min, .max - word, .min + word,
            ]
            for amount in amounts {
                #expect(try Self.total([(code, amount)], in: code, rates: rates) == amount)
            }
        }
    }

    @Test func `currencies without a rate are left out and named`() throws {
        let converter = Converter(rates: try Self.rateSet(["USD": "2"]))
        let amounts: [(String, Int128)] = [
            ("USD", 200), ("XOF", 5), ("GBP", -5), ("XOF", 7), ("JPY", 0),
        ]
        let sum = converter.sum(
            try amounts.map { (currency: try Self.currency($0.0), minorUnits: $0.1) })
        #expect(sum.leftOut.map(\.code) == ["GBP", "XOF"])
        #expect(try sum.minorUnits(in: Self.currency("EUR")) == 100)
        let pound = try Self.currency("GBP")
        #expect(throws: ConversionError.noRate(pound)) { try sum.minorUnits(in: pound) }
    }

    @Test func `a total beyond 128 bits is an error`() throws {
        let rates = ["IDR": "17123.45"]
        let rupiah = try Self.currency("IDR")
        #expect(throws: ConversionError.overflow(rupiah)) {
            try Self.total([("EUR", .max)], in: "IDR", rates: rates)
        }
        #expect(throws: ConversionError.overflow(rupiah)) {
            try Self.total([("EUR", .min)], in: "IDR", rates: rates)
        }
    }

    @Test func `the empty sum is zero`() throws {
        #expect(try Self.total([], in: "EUR", rates: [:]) == 0)
    }

    /// A slow reference: one fraction, added up term by term, with separate rounding code.
    private static func slow(
        _ amounts: [(currency: Currency, minorUnits: Int128)], rates: [Currency: String],
        target: Currency, rounding: RoundingPolicy
    ) -> BigInt {
        func power(_ exponent: Int) -> BigInt {
            (0..<exponent).reduce(BigInt(1)) { product, _ in product * 10 }
        }
        func fraction(_ text: String) -> (BigInt, BigInt) {
            let parts = text.split(separator: ".")
            let scale = parts.count == 2 ? parts[1].count : 0
            return (BigInt(parts.joined()) ?? 0, power(scale))
        }
        let (up, down) = fraction(rates[target] ?? "0")
        var numerator = BigInt(0)
        var denominator = BigInt(1)
        for (currency, minorUnits) in amounts {
            let (rateUp, rateDown) = fraction(rates[currency] ?? "0")
            let n = (BigInt(String(minorUnits)) ?? 0) * up * rateDown * power(target.exponent)
            let d = down * rateUp * power(currency.exponent)
            (numerator, denominator) = (numerator * d + n * denominator, denominator * d)
        }
        // Floor of x + 1/2, adjusted if x is a tie.
        let doubled = 2 * numerator + denominator
        var (floor, rest) = doubled.quotientAndRemainder(dividingBy: 2 * denominator)
        if rest < 0 {
            floor -= 1
            rest += 2 * denominator
        }
        guard rest == 0 else { return floor }
        switch rounding {
        case .halfEven: return floor % 2 == 0 ? floor : floor - 1
        case .halfUp: return numerator < 0 ? floor - 1 : floor
        }
    }

    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func `random totals equal those of a slow computation`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let euro = try Self.currency("EUR")
        var texts: [Currency: String] = [euro: "1"]
        var rates: [Currency: ExchangeRate] = [:]
        for currency in Currency.all.shuffled(using: &random).prefix(12) where currency != euro {
            // A few small rates make ties and common factors likely.
            let text =
                Bool.random(using: &random)
                ? ["2", "4", "0.5", "8", "0.02", "16"][Int.random(in: 0..<6, using: &random)]
                : "\(Int.random(in: 0..<20_000, using: &random))."
                    + "\(Int.random(in: 1..<100_000, using: &random))"
            texts[currency] = text
            rates[currency] = try ExchangeRate(text)
        }
        let set = try #require(
            RateSet(id: "s", source: "s", date: "2026-03-25", base: euro, rates: rates))
        let converter = Converter(rates: set)
        let known = texts.keys.sorted()
        let bits = Int.random(in: 2...90, using: &random)
        let amounts = known.filter { _ in Bool.random(using: &random) }.map {
            (
                currency: $0,
                minorUnits: Int128.random(in: -(1 << bits)...(1 << bits), using: &random)
            )
        }
        let sum = converter.sum(amounts)
        for target in known {
            for rounding in RoundingPolicy.allCases {
                let expected = Self.slow(
                    amounts, rates: texts, target: target, rounding: rounding)
                let found = try sum.minorUnits(in: target, rounding: rounding)
                #expect(String(found) == String(expected), "seed \(seed), \(target), \(rounding)")
            }
        }
    }
}
