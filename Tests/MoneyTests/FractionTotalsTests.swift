import Foundation
import Money
import Subprocess
import Testing

/// Compares totals with those of an independent program: Python's fractions.
@Suite struct FractionTotalsTests {
    private static let script = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fractions/totals.py").path
    private static let sets = 10_000
    private static let seed = 1

    /// The script's output, split into words.
    private static func output() async throws -> [[String]] {
        let result = try await Subprocess.run(
            .name("python3"), arguments: [script, "--sets", "\(sets)", "--seed", "\(seed)"],
            output: .string(limit: 1 << 26))
        try #require(result.terminationStatus == .exited(0))
        return result.standardOutput.split(separator: "\n").map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
    }

    private static func currency(_ code: Substring) throws -> Currency {
        try #require(Currency(code: String(code)))
    }

    /// Parses the list's `CODE:text` elements.
    private static func pairs(_ list: String) throws -> [(currency: Currency, text: String)] {
        try list.split(separator: " ").map { element in
            let parts = element.split(separator: ":")
            return (try currency(parts[0]), String(try #require(parts.last)))
        }
    }

    @Test func `totals of 10,000 random rate sets equal those of exact fractions`() async throws {
        let lines = try await Self.output()
        let end = try #require(lines.last)
        #expect(end.first == "end")
        #expect(lines.count == Self.sets + 1)
        // Check that the script covered ties and differing roundings.
        let ties = try #require(Int(end[2]))
        let different = try #require(Int(end[3]))
        #expect(ties > 500)
        #expect(different > 200)

        var wrong: [String] = []
        var exponents: Set<Int> = []
        for (number, fields) in lines.dropLast().enumerated() {
            try #require(fields.count == 7)
            var rates: [Currency: ExchangeRate] = [:]
            for (currency, text) in try Self.pairs(fields[2]) {
                rates[currency] = try ExchangeRate(text)
            }
            let set = try #require(
                RateSet(
                    source: "test", date: "2026-11-20", base: try Self.currency(fields[0][...]),
                    rates: rates))
            let target = try Self.currency(fields[1][...])
            let sum = Converter(rates: set).sum(
                try Self.pairs(fields[3]).map { pair in
                    (currency: pair.currency, minorUnits: try #require(Int128(pair.text)))
                })
            let even = try sum.minorUnits(in: target)
            let up = try sum.minorUnits(in: target, rounding: .halfUp)
            let text = DecimalText.format(minorUnits: even, of: target)
            exponents.insert(target.exponent)
            if ["\(even)", "\(up)", text] != Array(fields[4...6]) {
                wrong.append("seed \(Self.seed), case \(number): \(fields), but \(even) \(up)")
            }
        }
        #expect(wrong.isEmpty, "\(wrong.count) wrong: \(wrong.prefix(3).joined(separator: "; "))")
        #expect(exponents == [0, 2, 3, 4])
        print("\(Self.sets) totals equal those of fractions, \(ties) of them exact ties")
    }

    @Test func `totals have exactly their currency's digits`() throws {
        for (code, minorUnits, text) in [
            ("JPY", Int128(1_234_567), "1234567"), ("JPY", 0, "0"), ("JPY", -5, "-5"),
            ("KWD", 1_234_567, "1234.567"), ("KWD", 7, "0.007"), ("KWD", -1_000, "-1.000"),
            ("USD", 1_250_450_050, "12504500.50"), ("USD", 0, "0.00"), ("CLF", 1, "0.0001"),
            ("IQD", 1_500, "1.500"), ("ISK", 1_500, "1500"), ("RSD", 1_500, "15.00"),
        ] {
            let currency = try Self.currency(code[...])
            #expect(DecimalText.format(minorUnits: minorUnits, of: currency) == text)
        }
    }
}
