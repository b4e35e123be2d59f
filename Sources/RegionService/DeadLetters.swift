import Aggregation
import KafkaClient
import Logging

/// The way to the dead-letter topic. Confined to the node's thread, but for delivery reports.
final class DeadLetters {
    /// Bytes of a value that are kept; a producer would refuse a rejected megabyte.
    private static let valueBytes = 64 << 10
    /// Letters under way. More stop consumption until some are acknowledged: none is dropped.
    private static let outstandingMax = 20_000

    private struct Delivery: Sendable {
        var token: UInt
        var isDelivered: Bool
    }

    private let producer: KafkaProducer
    private let topic: KafkaTopic
    private let reports: Inbox<Delivery>
    private var nextToken: UInt = 1
    private var underWay: [UInt: (shard: FoldingShard, offset: Int64)] = [:]
    private(set) var acknowledged = 0
    /// Set by a letter that Kafka refused for good: offsets are committed no further.
    private(set) var failed = 0

    init(properties: [String: String], topic: String, logger: Logger) throws {
        let reports = Inbox<Delivery>()
        self.reports = reports
        var properties = properties
        // A letter is never given up: the records behind it stay uncommitted meanwhile.
        properties["message.timeout.ms"] = "0"
        producer = try KafkaProducer(properties: properties, logger: logger) { delivery in
            reports.put(Delivery(token: delivery.token, isDelivered: delivery.error == nil))
        }
        self.topic = try producer.topic(topic)
    }

    /// Whether consumption must wait.
    var isFull: Bool { underWay.count >= Self.outstandingMax }

    /// Sends the records among `diversions` that the group has not committed yet.
    func send(
        _ diversions: [Diversion], of records: UnsafeBufferPointer<KafkaRecord>,
        shard: FoldingShard
    ) throws(KafkaError) {
        var at = 0
        for diversion in diversions where diversion.offset >= shard.committed {
            while at < records.count, records[at].offset < diversion.offset { at += 1 }
            guard at < records.count, records[at].offset == diversion.offset else { continue }
            try send(records[at], cause: diversion.cause, shard: shard)
        }
    }

    private func send(
        _ record: KafkaRecord, cause: Diversion.Cause, shard: FoldingShard
    ) throws(KafkaError) {
        let token = nextToken
        nextToken += 1
        let value = UnsafeRawBufferPointer(rebasing: record.value.prefix(Self.valueBytes))
        let headers = [
            KafkaHeader(name: "reason", value: Array(cause.name.utf8)),
            KafkaHeader(name: "partition", value: Array(String(shard.partition).utf8)),
            KafkaHeader(name: "offset", value: Array(String(record.offset).utf8)),
        ]
        while true {
            do throws(KafkaError) {
                try producer.produce(
                    to: topic, key: record.key, value: value, headers: headers, token: token)
                break
            } catch where error.code == .queueFull {
                // The queue holds more than `outstandingMax`; its owner's limit is smaller.
                _ = producer.waitForSpace(timeoutMs: 100)
            }
        }
        underWay[token] = (shard, record.offset)
        shard.unacknowledgedLetters.append(record.offset)
    }

    /// Takes note of what Kafka acknowledged.
    func settle() {
        for delivery in reports.takeAll() {
            guard let letter = underWay.removeValue(forKey: delivery.token) else { continue }
            guard delivery.isDelivered else {
                failed += 1
                continue
            }
            acknowledged += 1
            // Kafka acknowledges roughly in order, so this looks at few.
            if let index = letter.shard.unacknowledgedLetters.firstIndex(of: letter.offset) {
                letter.shard.unacknowledgedLetters.remove(at: index)
            }
        }
    }

    func close() { producer.close() }
}
