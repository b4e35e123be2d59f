import ArgumentParser
import Foundation

/// A range of seeds in Swift syntax: `0..<2000`.
struct SeedRangeArgument: ExpressibleByArgument {
    /// Bounds the memory of a sweep's reports.
    static let seedsMax: UInt64 = 100_000_000

    var seeds: Range<UInt64>

    init(seeds: Range<UInt64>) { self.seeds = seeds }

    init?(argument: String) {
        guard let dots = argument.range(of: "..<"),
            let first = UInt64(argument[..<dots.lowerBound]),
            let end = UInt64(argument[dots.upperBound...]),
            first < end, end - first <= Self.seedsMax
        else { return nil }
        seeds = first..<end
    }

    var defaultValueDescription: String { "\(seeds)" }
}
