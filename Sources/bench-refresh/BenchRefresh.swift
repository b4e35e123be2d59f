import ArgumentParser
import CivilTime
import DeltaProtocol
import Federation
import HeadquartersService
import Identifiers
import Money
import Publishing

/// Publisher ticks over whole days, for a tool that counts instructions. Run it twice with
/// different numbers of ticks; the difference is their cost.
///
/// A separate program without an asynchronous main, because valgrind crashes with one.
@main struct BenchRefresh: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-refresh",
        abstract: "Fill the publisher with whole days of 50 currencies, then build reports.")

    @Option(help: "Number of regions, each with a whole day.")
    var regions = 3

    @Option(help: "Minutes of each region.")
    var minutes = Limits.windowMinutes

    @Option(help: "Number of reports.")
    var ticks = 10

    @Option(help: "Minutes that one region changes before each report.")
    var changed = 1

    /// 2026-03-25T13:28:00Z.
    private static let now = UnixTime(seconds: 1_774_445_280)
    private static let currencies = Array(Currency.all.prefix(50))
    /// As many base currencies as in the repository's topology.
    private static let bases = Array(currencies.prefix(10))

    func run() throws {
        let names = (0..<regions).compactMap { RegionID("r\($0)") }.sorted()
        guard let log = LogID("main"), let region = names.first else { return }
        var publication = Publication(
            settings: PublicationSettings(
                regions: names.map { .init(id: $0, currentLogs: [log]) },
                currencies: Set(Self.currencies)))
        var builder = ReportBuilder(
            .init(
                bases: Self.bases, defaultBase: Self.bases[0], minimumTransfers: 5,
                expectsRates: true))
        let rates = try Self.rates()
        let first = Self.now.minute.advanced(by: 1 - minutes)
        let days = names.flatMap { name in
            (0..<minutes).map { Self.minute(name, first.advanced(by: $0), amount: 1_000) }
        }
        publication.take(refresh(names, log, version: 1, isFull: true, days), now: Self.now)
        var reports = 0
        for tick in 0..<ticks {
            let news = (0..<changed).map {
                Self.minute(region, Self.now.minute.advanced(by: -$0), amount: Int64(tick) + 2_000)
            }
            publication.take(
                refresh(names, log, version: Int64(tick) + 2, isFull: false, news), now: Self.now)
            let report = builder.report(of: &publication, rates: rates, now: Self.now)
            if report?.bases.count == Self.bases.count { reports += 1 }
        }
        print("regions=\(regions) minutes=\(minutes) changed=\(changed) reports=\(reports)")
    }

    private static func rates() throws -> RatesInForce? {
        var quoted: [Currency: ExchangeRate] = [:]
        for (place, currency) in currencies.enumerated().dropFirst() {
            quoted[currency] = try ExchangeRate("\(place).\(12_345 + place)")
        }
        return RateSet(
            id: "bench", source: "bench", date: "2026-03-25", base: currencies[0], rates: quoted
        ).map { RatesInForce(set: $0, isStale: false) }
    }

    private static func minute(
        _ region: RegionID, _ minute: Minute, amount: Int64
    ) -> RegionMinute {
        RegionMinute(
            region: region, minute: minute,
            values: currencies.map {
                .init(currency: $0, value: BucketValue(settled: amount, transfers: 10))
            })
    }

    private func refresh(
        _ regions: [RegionID], _ log: LogID, version: Int64, isFull: Bool, _ minutes: [RegionMinute]
    ) -> StoreRefresh {
        var standings: [ShardID: ShardStanding] = [:]
        var counts: [RegionID: [LogID: Int32]] = [:]
        for region in regions {
            counts[region] = [log: 1]
            standings[ShardID(region: region, log: log, partition: 0)] = ShardStanding(
                watermark: version, claims: .all, observedThrough: Self.now,
                receivedAt: Self.now, node: "n")
        }
        return StoreRefresh(
            position: StorePosition(storeID: "bench", version: version), isFull: isFull,
            minutes: minutes, standings: standings, partitionCounts: counts)
    }
}
