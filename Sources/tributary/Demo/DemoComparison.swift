import CivilTime
import DeltaProtocol
import Federation
import Foundation
import Identifiers
import Money
import RedisStore
import Topology
import TopologyFile
import TransferGenerator

/// Compares what HQ holds and publishes with the sums that the demo kept while producing.
struct DemoComparison {
    let store: RedisStore
    let api: DemoAPI
    let topologyPath: String
    let regions: [RegionID]
    let traffic: [DemoTraffic]

    /// How long HQ may take to show the last transfer.
    private static let patience = Duration.seconds(30)
    private static let differencesShown = 10

    /// Prints `exact` or the differences; true if there are none.
    func run() async throws -> Bool {
        let deadline = ContinuousClock.now + Self.patience
        var differences: [String] = []
        repeat {
            do {
                differences = try await self.differences()
            } catch {
                differences = ["Redis does not answer: \(error)"]
            }
            if differences.isEmpty { break }
            try await Task.sleep(for: .milliseconds(250))
        } while ContinuousClock.now < deadline
        if let total = await api.total() { print("moved in 24 h: \(total.text) USD") }
        let tally = traffic.reduce(into: (fresh: 0, total: 0)) {
            $0.fresh += $1.tally.fresh
            $0.total += $1.tally.total
        }
        guard !differences.isEmpty else {
            print("exact: \(tally.fresh) transfers of \(tally.total) records, in every currency")
            return true
        }
        print("different:")
        for line in differences.prefix(Self.differencesShown) { print("  \(line)") }
        if differences.count > Self.differencesShown {
            print("  and \(differences.count - Self.differencesShown) more")
        }
        return false
    }

    private func differences() async throws -> [String] {
        let present = Demo.now().minute
        let window = present.advanced(by: 1 - Limits.windowMinutes)...present
        let published = try await store.refresh(since: nil, regions: regions)
        var wrong: [String] = []
        for stream in traffic {
            var found: [DemoTraffic.CurrencyMinute: DemoTraffic.Sum] = [:]
            for minute in published.minutes where minute.region == stream.region {
                guard window ~= minute.minute else { continue }
                for entry in minute.values where entry.value.transfers != 0 {
                    let key = DemoTraffic.CurrencyMinute(
                        currency: entry.currency, minute: minute.minute)
                    found[key] = DemoTraffic.Sum(
                        settled: entry.value.published, transfers: entry.value.transfers)
                }
            }
            let expected = stream.sums.filter { window ~= $0.key.minute }
            wrong += Self.compare(found, expected, region: stream.region)
        }
        if wrong.isEmpty { wrong += try await totalDifference(window) }
        // If a new minute began meanwhile, the window moved: compare again.
        if Demo.now().minute != present, wrong.isEmpty { return try await self.differences() }
        return wrong
    }

    /// One line for each currency with minutes that differ.
    private static func compare(
        _ found: [DemoTraffic.CurrencyMinute: DemoTraffic.Sum],
        _ expected: [DemoTraffic.CurrencyMinute: DemoTraffic.Sum], region: RegionID
    ) -> [String] {
        var byCurrency: [Currency: (minutes: Int, settled: Int64, transfers: Int64)] = [:]
        for bucket in Set(found.keys).union(expected.keys) {
            let (a, b) = (found[bucket] ?? .init(), expected[bucket] ?? .init())
            guard a != b else { continue }
            var entry = byCurrency[bucket.currency] ?? (0, 0, 0)
            entry.minutes += 1
            entry.settled += a.settled - b.settled
            entry.transfers += a.transfers - b.transfers
            byCurrency[bucket.currency] = entry
        }
        return byCurrency.sorted { $0.key < $1.key }.map { currency, entry in
            "\(region) \(currency): \(entry.minutes) minutes differ, by \(entry.settled) "
                + "minor units and \(entry.transfers) transfers"
        }
    }

    /// Compares the public total with the exact conversion of what the demo produced.
    private func totalDifference(_ window: ClosedRange<Minute>) async throws -> [String] {
        guard let shown = await api.total() else { return ["the public endpoint has no total"] }
        let topology = try TopologyFile.load(path: topologyPath)
        // A provider's rates may have changed since, so this compares only with rates of a file.
        guard let file = topology.rates?.file, let dollar = Currency(code: "USD") else {
            return []
        }
        let converter = Converter(rates: try RatesFile.load(path: file))
        let counted = Set(topology.currencies).subtracting(topology.unconverted)
        let amounts = traffic.flatMap { stream in
            stream.sums.lazy
                .filter { window ~= $0.key.minute && counted.contains($0.key.currency) }
                .map { (currency: $0.key.currency, minorUnits: Int128($0.value.settled)) }
        }
        let expected = try converter.sum(amounts).minorUnits(in: dollar)
        let text = DecimalText.format(minorUnits: expected, of: dollar)
        return shown.text == text ? [] : ["public total \(shown.text) USD, expected \(text) USD"]
    }
}
