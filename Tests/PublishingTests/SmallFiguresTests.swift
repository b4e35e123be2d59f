import Hashing
import Money
import Publishing
import Testing

@Suite struct SmallFiguresTests {
    static func totals(_ transfers: [(String, Int128)]) -> [PublishedTotals.CurrencyTotal] {
        transfers.map { .init(currency: Currency(code: $0)!, amount: 1_000, transfers: $1) }
    }

    static func folded(
        _ transfers: [(String, Int128)], minimum: Int = 5, without: Set<String> = []
    ) -> [String] {
        SmallFigures.fold(
            totals(transfers), minimum: minimum, isConverted: { !without.contains($0.code) }
        ).folded.map(\.currency.code)
    }

    @Test(
        "Small figures are folded, with as many others as it takes to hide them",
        arguments: [
            // Nothing is small.
            ([("EUR", 5), ("JPY", 9), ("USD", 80)], []),
            // Two small ones are enough together.
            ([("EUR", 2), ("JPY", 3), ("USD", 80)], ["EUR", "JPY"]),
            // One alone could be found by subtraction: the next smallest joins it.
            ([("EUR", 4), ("JPY", 9), ("USD", 80)], ["EUR", "JPY"]),
            // Two small ones are too few even together.
            ([("EUR", 1), ("GBP", 1), ("JPY", 9), ("USD", 80)], ["EUR", "GBP", "JPY"]),
            // Corrections alone have no transfers at all.
            ([("EUR", 0), ("GBP", 30), ("JPY", 9)], ["EUR", "JPY"]),
            // Among equals, the first by code.
            ([("EUR", 1), ("JPY", 9), ("USD", 9)], ["EUR", "JPY"]),
            // There is no other currency to hide among.
            ([("EUR", 1)], ["EUR"]), ([("EUR", 1), ("USD", 9)], ["EUR", "USD"]), ([], []),
        ] as [([(String, Int128)], [String])])
    func folding(transfers: [(String, Int128)], expected: [String]) {
        #expect(Self.folded(transfers) == expected)
    }

    @Test("Converted currencies hide each other, not behind unconverted ones")
    func convertedHideThemselves() {
        let transfers: [(String, Int128)] = [
            ("CHF", 6), ("EUR", 4), ("GBP", 7), ("JPY", 9), ("USD", 80),
        ]
        #expect(Self.folded(transfers) == ["CHF", "EUR"])
        #expect(Self.folded(transfers, without: ["CHF"]) == ["CHF", "EUR", "GBP"])
        #expect(Self.folded([("CHF", 1), ("USD", 9)], without: ["CHF"]) == ["CHF", "USD"])
    }

    @Test("No figure below the minimum is shown, and no folded group reveals a part")
    func property() {
        var random = SplitMix64(seed: 11)
        let codes = Currency.all.prefix(12)
        for run in 0..<2_000 {
            let minimum = Int.random(in: 0...8, using: &random)
            let totals = codes.prefix(Int.random(in: 0...12, using: &random)).map {
                PublishedTotals.CurrencyTotal(
                    currency: $0, amount: 1,
                    transfers: Int128(Int64.random(in: 0...12, using: &random)))
            }
            let converted = Set(codes.filter { _ in Int.random(in: 0..<4, using: &random) > 0 })
            let result = SmallFigures.fold(
                totals, minimum: minimum, isConverted: { converted.contains($0) })
            #expect(
                (result.shown + result.folded).sorted { $0.currency < $1.currency } == totals,
                "run \(run)")
            #expect(result.shown.allSatisfy { $0.transfers >= minimum }, "run \(run)")
            for group in [
                result.folded, result.folded.filter { converted.contains($0.currency) },
            ] where !group.isEmpty && !result.shown.isEmpty {
                let isOpen = group.count < 2 || group.reduce(0) { $0 + $1.transfers } < minimum
                #expect(!isOpen, "run \(run)")
            }
        }
    }
}
