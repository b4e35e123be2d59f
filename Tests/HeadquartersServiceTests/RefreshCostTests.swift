import CivilTime
import DeltaProtocol
import Federation
import Foundation
import Identifiers
import Logging
import Money
import Publishing
import RedisStore
import Synchronization
import Testing

/// Makes reports of a publication, by reference: the test macros only take calls that change
/// nothing.
private final class Reporter {
    var publication: Publication
    private var builder: ReportBuilder

    init(_ publication: Publication, _ builder: ReportBuilder) {
        self.publication = publication
        self.builder = builder
    }

    var work: ReportBuilder.Work { builder.work }

    func report(_ rates: RatesInForce?, now: UnixTime) -> PublicReport? {
        builder.report(of: &publication, rates: rates, now: now)
    }
}

/// Counts the work of a publisher tick, which depends on the changes, not on the amount of data.
@Suite(.serialized) struct RefreshCostTests {
    static let log = LogID("main")!
    static let currencies = Array(Currency.all.prefix(10))
    /// Commands per region and refresh, whatever it holds: two hashes of facts, two reads of the
    /// names of its shards, and the logs that count.
    static let commandsPerRegion = 5
    /// EVALSHA, the store's position, the last change, the time, the list of changes since then,
    /// and the topology.
    static let commandsPerRefresh = 6

    /// The work of one tick.
    struct Work: Equatable, CustomStringConvertible {
        var redisCommands = 0
        var minutesRead = 0
        var minutesReplaced = 0
        var minutesConverted = 0
        var sumsConverted = 0

        var description: String {
            "\(redisCommands) Redis commands, \(minutesRead) minutes read, \(minutesReplaced) "
                + "replaced, \(minutesConverted) converted, \(sumsConverted) sums converted"
        }
    }

    @Test("A tick's work depends on the changes, not on the number of hours or regions")
    func cost() async throws {
        var works: [String: [Work]] = [:]
        for (regions, minutes) in [(3, 60), (3, 1_440), (30, 60), (30, 1_440)] {
            let bench = try Bench(regions: regions)
            try await bench.fill(minutes: minutes)
            let first = try await bench.tick()
            #expect(first.minutesRead == regions * minutes)
            let ticks = [
                try await bench.tick(), try await bench.tick(changing: 1),
                try await bench.tick(changing: 5),
            ]
            for (name, work) in zip(["idle", "1 minute changed", "5 minutes changed"], ticks) {
                print("\(regions) regions of \(minutes) minutes, \(name): \(work)")
            }
            // Between commits, checking for one costs one command.
            #expect(try await bench.look() == 1)
            works["\(regions)/\(minutes)"] = ticks
            await bench.stop()
        }
        // The number of hours makes no difference.
        #expect(works["3/60"] == works["3/1440"])
        #expect(works["30/60"] == works["30/1440"])
        for regions in [3, 30] {
            let ticks = try #require(works["\(regions)/1440"])
            for (changed, work) in zip([0, 1, 5], ticks) {
                #expect(
                    work
                        == Work(
                            // A changed minute is looked up in each shard (one per region), in
                            // the shard's late money and in the region's missed money.
                            redisCommands: Self.commandsPerRefresh
                                + regions * (Self.commandsPerRegion + 3 * changed),
                            minutesRead: regions * changed, minutesReplaced: changed,
                            minutesConverted: changed,
                            // The total, other, and each currency and region that changed.
                            sumsConverted: changed == 0 ? 2 : 2 + 1 + 1))
            }
        }
    }

    /// A store of one test, the publisher's pure parts, and a region that changes something.
    private struct Bench {
        let redis: SendableRedis
        let writer: RedisStore
        let reader: RedisStore
        let regions: [RegionID]
        let reporter: Reporter
        let rates: RatesInForce
        let now = HeadquartersScope.now

        init(regions count: Int) throws {
            let process = try RedisProcess()
            try process.start()
            redis = SendableRedis(process)
            let regions = (0..<count).map { RegionID("r\($0)")! }.sorted()
            self.regions = regions
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            let configuration = RedisStoreConfiguration(
                endpoint: .unixSocket(path: process.socket), regions: regions)
            writer = try RedisStore(configuration: configuration, logger: logger)
            reader = try RedisStore(configuration: configuration, logger: logger)
            let bases = Array(RefreshCostTests.currencies.prefix(3))
            let rate = try ExchangeRate("1.25")
            let quoted = RefreshCostTests.currencies.dropFirst().map { ($0, rate) }
            rates = RatesInForce(
                set: try #require(
                    RateSet(
                        id: "1", source: "test", date: "2026-03-25", base: bases[0],
                        rates: Dictionary(uniqueKeysWithValues: quoted))), isStale: false)
            reporter = Reporter(
                Publication(
                    settings: PublicationSettings(
                        regions: regions.map { .init(id: $0, currentLogs: [RefreshCostTests.log]) },
                        currencies: Set(RefreshCostTests.currencies))),
                ReportBuilder(
                    .init(
                        bases: bases, defaultBase: bases[0], minimumTransfers: 5,
                        expectsRates: true)))
        }

        func fill(minutes: Int) async throws {
            for region in regions {
                let first = now.minute.advanced(by: 1 - minutes)
                let buckets = (0..<minutes).flatMap { minute in
                    RefreshCostTests.currencies.map {
                        Bucket(
                            minute: first.advanced(by: minute), currency: $0,
                            value: BucketValue(settled: 1_000, transfers: 10))
                    }
                }
                try await commit(region, base: 0, coverage: 1, buckets)
            }
        }

        private func commit(
            _ region: RegionID, base: Int64, coverage: Int64, _ buckets: [Bucket]
        ) async throws {
            let request = DeltaRequest(
                foldVersion: FoldVersion(rules: 1, settings: 1, digest: 1), region: region,
                node: "n", sentAt: now, partitionCounts: [RefreshCostTests.log: 1],
                shards: [
                    ShardDelta(
                        log: RefreshCostTests.log, partition: 0, base: base, coverage: coverage,
                        claims: Claims(from: Minute(0)), observedThrough: now, buckets: buckets)
                ])
            let round = CommitRound(
                request, settings: .init(knownLogs: [RefreshCostTests.log: 1]), now: now)
            let memory = Mutex(CommitMemory())
            let time = now
            let reply = try await writer.carryOut(round, now: now) { round, event in
                memory.withLock { round.handle(event, at: time, memory: &$0) }
            }
            #expect(reply.shards.map(\.outcome) == [.committed])
        }

        /// One turn of the publisher after one region changed one currency in some minutes.
        func tick(changing minutes: Int = 0) async throws -> Work {
            if minutes > 0 {
                let buckets = (0..<minutes).reversed().map {
                    Bucket(
                        minute: now.minute.advanced(by: -$0),
                        currency: RefreshCostTests.currencies[1],
                        value: BucketValue(settled: 2_000 + Int64(minutes), transfers: 20))
                }
                try await commit(
                    regions[0], base: 1, coverage: 1 + Int64(minutes), buckets)
            }
            let (before, built) = (reporter.publication.counters, reporter.work)
            try redis.redis.command("CONFIG", "RESETSTAT")
            let refresh = try await reader.refresh(
                since: reporter.publication.readPosition, regions: regions)
            let commands = try commandCalls()
            reporter.publication.take(refresh, now: now)
            #expect(reporter.report(rates, now: now)?.bases.count == 3)
            let after = reporter.publication.counters
            return Work(
                redisCommands: commands,
                minutesRead: after.minutesRead - before.minutesRead,
                minutesReplaced: after.minutesReplaced - before.minutesReplaced,
                minutesConverted: reporter.work.minutesConverted - built.minutesConverted,
                sumsConverted: reporter.work.sumsConverted - built.sumsConverted)
        }

        /// The number of commands to check whether anything has changed.
        func look() async throws -> Int {
            try redis.redis.command("CONFIG", "RESETSTAT")
            let position = try await reader.position()
            let commands = try commandCalls()
            #expect(position == reporter.publication.readPosition)
            return commands
        }

        /// All commands since the reset of statistics, including those of scripts.
        private func commandCalls() throws -> Int {
            let text = try redis.redis.command("INFO", "commandstats")
            return text.split(whereSeparator: \.isNewline).reduce(0) { sum, line in
                // Subtracts the commands of this test itself.
                guard line.hasPrefix("cmdstat_"), !line.hasPrefix("cmdstat_config"),
                    !line.hasPrefix("cmdstat_info"),
                    let calls = line.firstMatch(of: /calls=([0-9]+)/)
                else { return sum }
                return sum + (Int(calls.1) ?? 0)
            }
        }

        func stop() async {
            await writer.stop()
            await reader.stop()
        }
    }
}
