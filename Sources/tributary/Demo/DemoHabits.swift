import Identifiers
import Money
import TopologyFile
import TransferGenerator

/// How busy a demo region is compared with the others, and at which hours.
struct DemoHabits {
    var parts: Int
    var utcOffsetMinutes: Int

    /// Made-up habits for the repository's regions; other regions are of middle size, in UTC.
    static func of(_ region: RegionID) -> DemoHabits {
        known[region.name] ?? DemoHabits(parts: 6, utcOffsetMinutes: 0)
    }

    private static let known = [
        "us-east": DemoHabits(parts: 9, utcOffsetMinutes: -5 * 60),
        "eu-west": DemoHabits(parts: 7, utcOffsetMinutes: 60),
        "ap-south": DemoHabits(parts: 4, utcOffsetMinutes: 5 * 60 + 30),
    ]
}

/// The amounts of the demo's transfers.
enum DemoAmounts {
    /// The median amount, 200 US dollars.
    private static let medianCents: Int128 = 20_000

    /// The median, in minor units, for each currency with a rate in the file at `path`. Empty
    /// without a file; the median is then 200 units of each currency.
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
