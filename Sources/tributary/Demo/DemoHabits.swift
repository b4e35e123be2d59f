import Money
import Topology
import TopologyFile
import TransferGenerator

/// How busy a region of the demo is compared with the others, and when its people are awake.
struct DemoHabits {
    var parts: Int
    var utcOffsetMinutes: Int

    /// Those of the repository's regions are made up; any other region is a middling one in UTC.
    static func of(_ region: RegionID) -> DemoHabits {
        known[region.name] ?? DemoHabits(parts: 6, utcOffsetMinutes: 0)
    }

    private static let known = [
        "us-east": DemoHabits(parts: 9, utcOffsetMinutes: -5 * 60),
        "eu-west": DemoHabits(parts: 7, utcOffsetMinutes: 60),
        "ap-south": DemoHabits(parts: 4, utcOffsetMinutes: 5 * 60 + 30),
    ]
}

/// What the demo's transfers are worth.
enum DemoAmounts {
    /// Half of all transfers are below it: 200 US dollars.
    private static let medianCents: Int128 = 20_000

    /// The median in minor units of each currency that the rates at `path` have; empty without a
    /// file, where each currency has a median of 200 units.
    static func medians(ratesPath path: String?) throws -> [Currency: Int64] {
        guard let path, let dollar = Currency(code: "USD") else { return [:] }
        let rates = try RatesFile.load(path: path)
        guard rates.rate(of: dollar) != nil else { return [:] }
        let sum = Converter(rates: rates).sum([(currency: dollar, minorUnits: medianCents)])
        var medians: [Currency: Int64] = [:]
        for currency in rates.currencies {
            let median = Int64(clamping: try sum.minorUnits(in: currency))
            medians[currency] = min(max(median, 1), GeneratorConfiguration.medianMax)
        }
        return medians
    }
}
