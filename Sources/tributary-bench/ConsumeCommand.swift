import ArgumentParser
import KafkaClient
import Logging
import Platform

/// Reads a topic through ``KafkaConsumer`` and counts bytes, or with `--fold` folds every record
/// into its shard's ring, for comparison with a bare librdkafka loop in C
/// (`Tests/Benchmarks/bare_consumer.c`).
struct ConsumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consume", abstract: "Read a topic to its end and count.",
        discussion: """
            EXAMPLE:
              tributary-bench consume --brokers 127.0.0.1:9092 --topic transaction.settled
            """)

    @Option(help: "The cluster's address, host:port.")
    var brokers: String

    @Option(help: "The topic to read.")
    var topic: String

    @Option(
        name: .customShort("X"), help: "A librdkafka property, name=value; may be repeated.")
    var properties: [String] = []

    @Flag(help: "Fold the records like a region node.")
    var fold = false

    func run() async throws {
        let worker = try WorkerThread<Void>(name: "consume")
        var named = ["bootstrap.servers": brokers]
        for property in properties {
            let parts = property.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw ValidationError("-X \(property): expected name=value")
            }
            named[parts[0]] = parts[1]
        }
        let (properties, topic, fold) = (named, topic, fold)
        try await print(
            worker.perform { _ in try Self.measure(properties, topic, folding: fold) })
        await worker.stop()
    }

    private static func measure(
        _ properties: [String: String], _ topic: String, folding: Bool
    ) throws -> String {
        let consumer = try KafkaConsumer(
            properties: properties,
            group: "bench-\(UInt64.random(in: 0...UInt64.max))", logger: Logger(label: "bench"))
        try consumer.subscribe(topic)
        let log = try KafkaLog(
            properties: ["bootstrap.servers": properties["bootstrap.servers"] ?? ""], topic: topic,
            logger: Logger(label: "bench"))
        defer { log.close() }
        var unfinished: Set<Int32>?
        var measurement = Measurement()
        var shards: [Int32: BenchFold] = [:]
        while unfinished != [] {
            var held: [Int32]?
            _ = try consumer.poll(
                timeoutMs: 100,
                onRecords: { partition, records in
                    measurement.startIfNeeded()
                    var bytes = 0
                    if folding {
                        shards[partition]?.add(records)
                    } else {
                        for record in records { bytes += record.key.count + record.value.count }
                    }
                    measurement.add(records: records.count, bytes: bytes)
                },
                onEvent: { event in
                    switch event {
                    case .assigned(let partitions): held = partitions
                    case .endOfPartition(let partition, _): unfinished?.remove(partition)
                    case .error(let error) where !error.isRetriable: throw error
                    default: break
                    }
                })
            if let held {
                unfinished = Set(held)
                if folding {
                    let ends = try log.endOffsets(held, timeoutMs: 10_000)
                    for partition in held {
                        shards[partition] = BenchFold(waitingRecords: ends[partition] ?? 0)
                    }
                }
                try consumer.assign(held.map { KafkaPosition(partition: $0, offset: 0) })
            }
        }
        measurement.stop()
        consumer.close()
        let applied = shards.values.reduce(0) { $0 + $1.applied }
        return measurement.line + (folding ? " applied=\(applied)" : "")
    }
}
