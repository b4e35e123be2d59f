import Aggregation
import CivilTime
import DeltaClient
import DeltaIngest
import DeltaProtocol
import Glibc
import HTTPTestSupport
import Identifiers
import KafkaClient
import Logging
import Platform
import RegionService
import ServiceLifecycle
import Testing
import Topology

/// The longest wait in a test; a rebalance of the mock takes up to 5 s.
let patience = Duration.seconds(30)

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Waits until `condition` holds. False if patience ends first.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + patience
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(20))
    }
    return false
}

/// A port of loopback without a listener.
func closedPort() throws -> UInt16 {
    let cluster = try MockCluster(logger: silent)
    defer { cluster.close() }
    return cluster.port
}

/// A region's topics on a mock broker, and a listening HQ. Tests start and stop nodes.
struct RegionFixture: Sendable {
    static let id = RegionID(unchecked: "eu-west")
    static let log = LogID(unchecked: "main")

    let cluster: MockCluster
    let headquarters: StubHeadquarters
    let region: Region
    private let port: Int
    private let asker: WorkerThread<Asker>

    /// Queries the broker, on a dedicated thread.
    private struct Asker {
        var deadLetters: KafkaLog?
        var group: KafkaConsumer?
    }

    fileprivate init(
        cluster: MockCluster, headquarters: StubHeadquarters, port: Int, partitions: Int32
    ) throws {
        let region = Region(
            id: Self.id,
            kafka: [
                "bootstrap.servers": cluster.bootstrapServers, "session.timeout.ms": "6000",
                "heartbeat.interval.ms": "500",
            ], logs: [RegionLog(id: Self.log, partitions: partitions)], timestamps: .trusted)
        let properties = ["bootstrap.servers": cluster.bootstrapServers]
        self.region = region
        self.cluster = cluster
        self.headquarters = headquarters
        self.port = port
        asker = try WorkerThread(name: "asker") {
            Asker(
                deadLetters: try? KafkaLog(
                    properties: properties, topic: region.deadLetterTopic, logger: silent),
                group: try? KafkaConsumer(
                    properties: properties, group: region.group, logger: silent))
        }
    }

    fileprivate func close() async {
        await asker.stop()
    }

    /// Produces values to one partition and waits for every acknowledgement.
    func produce(
        _ values: [[UInt8]?], key: [UInt8]? = nil, partition: Int32 = 0
    ) async throws {
        let producer = try KafkaProducer(
            properties: [
                "bootstrap.servers": cluster.bootstrapServers, "message.max.bytes": "4000000",
            ], logger: silent)
        let topic = try producer.topic(region.topic)
        for value in values {
            try producer.produce(to: topic, partition: partition, key: key, value: value)
        }
        #expect(try await producer.flushed(within: patience))
        #expect(producer.delivered == values.count)
        producer.close()
    }

    /// - Parameter change: adjusts the node's configuration.
    func service(
        commitInterval: Duration = .milliseconds(100), logger: Logger = silent,
        _ change: (inout RegionConfiguration) -> Void = { _ in }
    ) -> RegionService {
        var configuration = RegionConfiguration(
            region: region, node: "node-1", idKey: IDKey(low: 7, high: 11),
            headquarters: [DeltaClientConfiguration(url: "http://127.0.0.1:\(port)")])
        configuration.commitInterval = commitInterval
        change(&configuration)
        return RegionService(configuration, logger: logger)
    }

    /// Runs a node while `body` runs, then stops it in order.
    func withNode(
        commitInterval: Duration = .milliseconds(100), _ body: () async throws -> Void
    ) async throws {
        try await withNode(service(commitInterval: commitInterval), body)
    }

    func withNode(_ service: RegionService, _ body: () async throws -> Void) async throws {
        var configuration = ServiceGroupConfiguration(services: [service], logger: silent)
        configuration.maximumGracefulShutdownDuration = .seconds(15)
        configuration.maximumCancellationDuration = .seconds(15)
        let group = ServiceGroup(configuration: configuration)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let outcome: Result<Void, any Error>
            do {
                outcome = .success(try await body())
            } catch {
                outcome = .failure(error)
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try outcome.get()
        }
    }

    /// The group's committed offset; nil before the first.
    func committed(_ partition: Int32 = 0) async throws -> Int64? {
        let topic = region.topic
        return try await asker.perform { asker in
            let group = try #require(asker.group)
            return try group.committedOffsets(
                [partition], of: topic, timeoutMs: 5_000)[partition]
        }
    }

    /// The number of dead letters.
    func deadLetterCount() async throws -> Int64 {
        try await asker.perform { asker in
            try #require(asker.deadLetters).endOffsets([0], timeoutMs: 5_000)[0] ?? 0
        }
    }

    /// All dead letters, in order.
    func deadLetters() async throws -> [KafkaStoredRecord] {
        try await asker.perform { asker in
            let log = try #require(asker.deadLetters)
            let count = try log.endOffsets([0], timeoutMs: 5_000)[0] ?? 0
            return try (0..<count).map {
                try #require(try log.record(at: $0, partition: 0, timeoutMs: 5_000))
            }
        }
    }
}

/// A region with an HQ that exists while `body` runs.
func withRegion(
    partitions: Int32, _ body: @Sendable @escaping (RegionFixture) async throws -> Void
) async throws {
    let cluster = try MockCluster(logger: silent)
    defer { cluster.close() }
    let topic = Region.defaultTopic
    try cluster.createTopic(topic, partitions: Int(partitions))
    try cluster.createTopic(Region.defaultDeadLetterTopic(of: topic), partitions: 1)
    let headquarters = StubHeadquarters()
    let ingest = DeltaIngest(regions: [RegionFixture.id], handler: headquarters, logger: silent)
    try await withListener {
        try ingest.listener(on: anyLoopbackPort, onListening: $0)
    } _: { port in
        let fixture = try RegionFixture(
            cluster: cluster, headquarters: headquarters, port: port, partitions: partitions)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(fixture))
        } catch {
            outcome = .failure(error)
        }
        await fixture.close()
        try outcome.get()
    }
}

/// Values for the topic.
enum Values {
    /// The present time, to the second.
    static func now() -> UnixTime { UnixTime(seconds: Int64(time(nil))) }

    static func transfer(
        _ id: String, _ amount: String, currency: String = "EUR", at settledAt: String
    ) -> String {
        #"{"transfer_id":"\#(id)","currency":"\#(currency)","amount_minor_units":\#(amount),"#
            + #""settled_at_utc":"\#(settledAt)"}"#
    }

    static func marker(at time: UnixTime) -> [UInt8] {
        Array(
            (#"{"type":"ledger_marker","lsn":"0/1","system":"73","timeline":1,"#
                + #""marked_at_utc":"\#(RFC3339.format(time))"}"#).utf8)
    }

    /// Transfers of distinct amounts, one in each of the last minutes up to that of `now`, and the
    /// resulting buckets.
    static func transfers(
        _ count: Int, now: UnixTime, prefix: String = "tx"
    ) -> (values: [[UInt8]], amounts: [Minute: Int64]) {
        var amounts: [Minute: Int64] = [:]
        let values = (0..<count).map { index in
            let settledAt = UnixTime(milliseconds: now.milliseconds - Int64(index) * 60_000)
            let amount = Int64(1_000_000) << Int64(index)
            amounts[settledAt.minute] = amount
            return Array(
                transfer(
                    "\(prefix)-\(index)", "\(amount)", at: RFC3339.format(settledAt)
                ).utf8)
        }
        return (values, amounts)
    }
}

extension StubHeadquarters.Shard {
    /// Settled sums by minute; all test money is of one currency.
    var settled: [Minute: Int64] {
        var sums: [Minute: Int64] = [:]
        for (place, value) in buckets { sums[place.minute, default: 0] += value.settled }
        return sums
    }
}
