import Glibc
import KafkaClient
import Logging
import Platform
import Testing

/// Keeps the library's messages out of the tests' output.
let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// The longest wait in a test; a rebalance of the mock takes up to 5 s.
let patience = Duration.seconds(30)

/// A cluster of one broker with one topic, closed at the end.
func withCluster<Answer>(
    partitions: Int, _ body: (_ cluster: MockCluster, _ topic: String) async throws -> Answer
) async throws -> Answer {
    let cluster = try MockCluster(logger: silent)
    let topic = "topic-\(UInt32.random(in: 0...UInt32.max))"
    try cluster.createTopic(topic, partitions: partitions)
    do {
        let answer = try await body(cluster, topic)
        cluster.close()
        return answer
    } catch {
        cluster.close()
        throw error
    }
}

/// A record that a test writes to the log.
struct Sample: Equatable, Sendable {
    var partition: Int32 = 0
    var key: [UInt8]? = nil
    var value: [UInt8]?
    var timestampMs: Int64? = nil
    var headers: [KafkaHeader] = []

    init(
        partition: Int32 = 0, key: [UInt8]? = nil, value: [UInt8]?, timestampMs: Int64? = nil,
        headers: [KafkaHeader] = []
    ) {
        self.partition = partition
        self.key = key
        self.value = value
        self.timestampMs = timestampMs
        self.headers = headers
    }

    init(partition: Int32 = 0, _ text: String, timestampMs: Int64? = nil) {
        self.init(partition: partition, value: Array(text.utf8), timestampMs: timestampMs)
    }
}

/// Produces and waits for every acknowledgement.
func fill(_ cluster: MockCluster, _ topic: String, _ samples: [Sample]) async throws {
    let producer = try KafkaProducer(
        properties: ["bootstrap.servers": cluster.bootstrapServers], logger: silent)
    let place = try producer.topic(topic)
    for sample in samples {
        if producer.outstanding > 50_000 { _ = try await producer.flushed(within: patience) }
        try producer.produce(
            to: place, partition: sample.partition, key: sample.key, value: sample.value,
            timestampMs: sample.timestampMs, headers: sample.headers)
    }
    #expect(try await producer.flushed(within: patience))
    #expect(producer.delivered == samples.count)
    producer.close()
}

/// Waits until `condition` holds. False if patience ends first.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + patience
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return false
}

/// A copy of a delivered record.
struct Seen: Equatable, Sendable {
    let offset: Int64
    let timestampMs: Int64
    let key: [UInt8]?
    let value: [UInt8]?

    init(_ record: KafkaRecord) {
        offset = record.offset
        timestampMs = record.timestampMs
        key = record.key.baseAddress == nil ? nil : Array(record.key)
        value = record.isTombstone ? nil : Array(record.value)
    }
}

/// A group member on a dedicated thread that polls whenever no test calls it.
final class Member: Sendable {
    struct State {
        var consumer: KafkaConsumer?
        var seen: [Int32: [Seen]] = [:]
        var events: [KafkaEvent] = []
        var runs = 0

        /// Starts every held partition at the offset in `start`, or at 0.
        mutating func assignHeld(_ start: [Int32: Int64] = [:]) throws {
            guard let consumer else { return }
            try consumer.assign(
                consumer.heldPartitions.sorted().map {
                    KafkaPosition(partition: $0, offset: start[$0] ?? 0)
                })
        }
    }

    private let worker: WorkerThread<State>

    init(
        _ cluster: MockCluster, _ topic: String, group: String = "group",
        properties: [String: String] = [:]
    ) async throws {
        worker = try WorkerThread(name: "member") {
            State()
        } whenIdle: {
            Self.poll(&$0)
        }
        var all = [
            "bootstrap.servers": cluster.bootstrapServers, "session.timeout.ms": "6000",
            "heartbeat.interval.ms": "500",
        ]
        all.merge(properties) { $1 }
        let merged = all
        try await worker.perform { state in
            let consumer = try KafkaConsumer(properties: merged, group: group, logger: silent)
            try consumer.subscribe(topic)
            state.consumer = consumer
        }
    }

    private static func poll(_ state: inout State) {
        guard let consumer = state.consumer else { return pause() }
        var seen: [(Int32, [Seen])] = []
        var events: [KafkaEvent] = []
        _ = consumer.poll(
            timeoutMs: 10,
            onRecords: { partition, records in seen.append((partition, records.map(Seen.init))) },
            onEvent: { events.append($0) })
        for (partition, records) in seen { state.seen[partition, default: []] += records }
        state.runs += seen.count
        state.events += events
    }

    private static func pause() {
        usleep(1000)
    }

    func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (inout State) throws -> Answer
    ) async throws -> Answer {
        try await worker.perform(question)
    }

    /// Waits until the group has assigned exactly these partitions.
    func hold(_ partitions: Set<Int32>) async throws {
        #expect(
            try await eventually {
                try await ask { $0.consumer?.heldPartitions == partitions }
            }, "the group did not assign \(partitions)")
    }

    func close() async throws {
        try await worker.perform { state in
            state.consumer?.close()
            state.consumer = nil
        }
        await worker.stop()
    }
}

/// Runs blocking calls of a log handle on a dedicated thread.
func withLog<Answer: Sendable>(
    _ bootstrapServers: String, _ topic: String,
    _ body: @escaping @Sendable (KafkaLog) throws -> Answer
) async throws -> Answer {
    let worker = try WorkerThread<Void>(name: "log")
    defer { worker.requestStop() }
    return try await worker.perform { _ in
        let log = try KafkaLog(
            properties: ["bootstrap.servers": bootstrapServers], topic: topic, logger: silent)
        defer { log.close() }
        return try body(log)
    }
}
