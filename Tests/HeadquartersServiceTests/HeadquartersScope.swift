import Addresses
import CivilTime
import DeltaClient
import DeltaProtocol
import Foundation
import HTTPTestSupport
import HeadquartersService
import Identifiers
import Logging
import Money
import ServiceLifecycle
import Synchronization
import Topology

/// A test's headquarters, on free ports, and a region that pushes to it.
struct HeadquartersScope: Sendable {
    static let eu = RegionID("eu-west")!
    static let log = LogID("main")!
    static let rates = """
        {"base": "EUR", "date": "2026-03-25", "source": "test",
         "rates": {"USD": "1.0842", "JPY": "161.25", "KWD": "0.3334"}}
        """

    let publicPort: Int
    let ingestPort: Int
    let client: DeltaClient

    static func topology(redis socket: String, ratesFile: String?) -> Topology {
        let currencies = ["EUR", "USD", "JPY", "KWD"].map { Currency(code: $0)! }
        return Topology(
            regions: [
                Region(
                    id: eu, kafka: ["bootstrap.servers": "127.0.0.1:9092"],
                    logs: [RegionLog(id: log)])
            ], currencies: currencies, baseCurrencies: currencies, defaultBase: currencies[1],
            headquarters: [], redis: .unixSocket(socket),
            rates: ratesFile.map { RatesSource(file: $0) }, idKeyFile: "unused")
    }

    /// Runs a headquarters while `body` runs, then stops it gracefully.
    static func with(
        _ topology: Topology, configure: (inout HeadquartersConfiguration) -> Void = { _ in },
        commits: CommitState = CommitState(),
        _ body: @Sendable @escaping (HeadquartersScope) async throws -> Void
    ) async throws {
        var configuration = HeadquartersConfiguration(topology: topology)
        configure(&configuration)
        configuration.publicAddress = anyLoopbackPort
        configuration.ingestAddress = anyLoopbackPort
        let (bound, continuation) = AsyncStream.makeStream(
            of: (HeadquartersConfiguration.Interface, Int).self)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let service = HeadquartersService(configuration, commits: commits, logger: logger) {
            continuation.yield(($0, $1.port))
        }
        var groupConfiguration = ServiceGroupConfiguration(services: [service], logger: logger)
        groupConfiguration.maximumGracefulShutdownDuration = .seconds(20)
        let group = ServiceGroup(configuration: groupConfiguration)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { continuation.finish() }
                try await group.run()
            }
            var ports: [HeadquartersConfiguration.Interface: Int] = [:]
            for await (interface, port) in bound {
                ports[interface] = port
                if ports.count == 2 { break }
            }
            var result: Result<Void, any Error> = .success(())
            if let publicPort = ports[.public], let ingestPort = ports[.ingest] {
                do {
                    let client = try DeltaClient(
                        DeltaClientConfiguration(url: "http://127.0.0.1:\(ingestPort)"))
                    try await body(
                        HeadquartersScope(
                            publicPort: publicPort, ingestPort: ingestPort, client: client))
                    await client.stop()
                } catch {
                    result = .failure(error)
                }
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try result.get()
        }
    }

    static var now: UnixTime {
        UnixTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    }

    /// Pushes partition 0 of 1, observed through now.
    func push(
        base: Int64, coverage: Int64, buckets: [Bucket], digest: ShardDelta.RangeDigest? = nil
    ) async -> ShardOutcome? {
        await reply(base: base, coverage: coverage, buckets: buckets, digest: digest)?.outcome
    }

    /// Like `push`, with minutes that replace those of HQ.
    func reply(
        base: Int64, coverage: Int64, buckets: [Bucket], digest: ShardDelta.RangeDigest? = nil,
        replaced: ClosedRange<Minute>? = nil
    ) async -> ShardReply? {
        let now = Self.now
        let answer = await client.push(
            DeltaRequest(
                foldVersion: FoldVersion(rules: 1, settings: 1, digest: 1), region: Self.eu,
                node: "n1", sentAt: now, partitionCounts: [Self.log: 1],
                shards: [
                    ShardDelta(
                        log: Self.log, partition: 0, base: base, coverage: coverage,
                        claims: Claims(from: Minute(0)), replaced: replaced, observedThrough: now,
                        digest: digest,
                        buckets: buckets)
                ]))
        guard case .answered(let reply) = answer else { return nil }
        return reply.shards.first
    }

    /// Pushes an empty partition 0; the commands of the answer.
    func commands(telling outcomes: [CommandOutcome] = []) async -> [NodeCommand]? {
        let now = Self.now
        let answer = await client.push(
            DeltaRequest(
                foldVersion: FoldVersion(rules: 1, settings: 1, digest: 1), region: Self.eu,
                node: "n1", sentAt: now, partitionCounts: [Self.log: 1],
                shards: [
                    ShardDelta(
                        log: Self.log, partition: 0, base: 0, coverage: 1,
                        claims: Claims(from: Minute(0)), observedThrough: now)
                ], outcomes: outcomes, commandsTaken: Limits.commandsPerReply))
        guard case .answered(let reply) = answer else { return nil }
        return reply.commands
    }

    struct Total: Decodable, Equatable {
        var baseCurrency: String
        var totalAmount: Decimal
        var dataAsOf: String
        var isDegraded: Bool

        private enum CodingKeys: String, CodingKey {
            case baseCurrency = "base_currency"
            case totalAmount = "total_amount"
            case dataAsOf = "data_as_of"
            case isDegraded = "is_degraded"
        }
    }

    /// The status, and the total if the status is 200.
    func total(_ base: String? = nil) async throws -> (status: Int, total: Total?, text: String) {
        let connection = try RawConnection(port: publicPort)
        let query = base.map { "?base_currency=\($0)" } ?? ""
        await connection.send(
            "GET /v1/metrics/money-moved/24h\(query) HTTP/1.1\r\nHost: a\r\n\r\n")
        let response = try await connection.response()
        guard response.status == 200 else { return (response.status, nil, response.text) }
        let total = try JSONDecoder().decode(Total.self, from: Data(response.body))
        return (200, total, response.text)
    }

    /// Polls until `condition` holds; nil after a time that is enough for any busy machine.
    func total(
        _ base: String? = nil, until condition: (Total) -> Bool
    ) async throws -> Total? {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if let total = try await total(base).total, condition(total) { return total }
            try await Task.sleep(for: .milliseconds(20))
        }
        return nil
    }
}
