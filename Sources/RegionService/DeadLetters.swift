import Aggregation
import KafkaClient
import Logging

/// The way to the dead-letter topic. Confined to the node's thread, but for delivery reports.
final class DeadLetters {
    /// Bytes of a value that are kept; a producer would refuse a rejected megabyte.
    private static let valueBytes = 64 << 10
    /// Bytes of a key that are kept: no valid id is longer, and a hostile key must not make a
    /// letter too large to be sent.
    private static let keyBytes = 1 << 10
    /// Letters under way, and their bytes. More stop consumption until half are acknowledged: none
    /// is dropped. One poll can exceed this by what librdkafka had fetched, 64 MiB by default.
    private static let outstandingMax = 20_000
    private static let outstandingBytesMax = 64 << 20

    /// How long one wait for room in the producer's queue lasts.
    private static let spaceTimeoutMs: Int32 = 100

    private struct Delivery: Sendable {
        var token: UInt
        /// Nil where Kafka acknowledged the letter.
        var problem: String?
    }

    private let producer: KafkaProducer
    private let topic: KafkaTopic
    private let reports: Inbox<Delivery>
    private let logger: Logger
    private var nextToken: UInt = 1
    private var underWay: [UInt: (shard: FoldingShard, offset: Int64, bytes: Int)] = [:]
    private var bytesUnderWay = 0
    /// Whether consumption must wait.
    private(set) var isFull = false
    private(set) var acknowledged = 0
    /// Letters that Kafka refused for good: of their shards nothing is committed from there on, so
    /// that a restart sends them again.
    private(set) var failed = 0

    init(properties: [String: String], topic: String, logger: Logger) throws {
        let reports = Inbox<Delivery>()
        self.reports = reports
        self.logger = logger
        var properties = properties
        // A letter is never given up: the records behind it stay uncommitted meanwhile.
        properties["message.timeout.ms"] = "0"
        producer = try KafkaProducer(properties: properties, logger: logger) { delivery in
            reports.put(
                Delivery(token: delivery.token, problem: delivery.error.map { "\($0)" }))
        }
        self.topic = try producer.topic(topic)
    }

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
        let key =
            record.key.baseAddress == nil
            ? nil : UnsafeRawBufferPointer(rebasing: record.key.prefix(Self.keyBytes))
        let headers = [
            KafkaHeader(name: "reason", value: Array(cause.name.utf8)),
            KafkaHeader(name: "partition", value: Array(String(shard.partition).utf8)),
            KafkaHeader(name: "offset", value: Array(String(record.offset).utf8)),
        ]
        while true {
            do throws(KafkaError) {
                try producer.produce(
                    to: topic, key: key, value: value, headers: headers, token: token)
                break
            } catch  where error.code == .queueFull {
                // Only where the properties make the queue smaller than the bounds above.
                _ = producer.waitForSpace(
                    below: max(producer.outstanding / 2, 1), timeoutMs: Self.spaceTimeoutMs)
            } catch  where error.answer == .drop {
                return refuse(record.offset, of: shard, "\(error)")
            }
        }
        let bytes = value.count + (key?.count ?? 0)
        underWay[token] = (shard, record.offset, bytes)
        bytesUnderWay += bytes
        if underWay.count >= Self.outstandingMax || bytesUnderWay >= Self.outstandingBytesMax {
            isFull = true
        }
        shard.unacknowledgedLetters.append(record.offset)
    }

    /// Takes note of what Kafka acknowledged.
    func settle() {
        for delivery in reports.takeAll() {
            guard let letter = underWay.removeValue(forKey: delivery.token) else { continue }
            bytesUnderWay -= letter.bytes
            // Kafka acknowledges roughly in order, so this looks at few.
            if let index = letter.shard.unacknowledgedLetters.firstIndex(of: letter.offset) {
                letter.shard.unacknowledgedLetters.remove(at: index)
            }
            if let problem = delivery.problem {
                refuse(letter.offset, of: letter.shard, problem)
            } else {
                acknowledged += 1
            }
        }
        if underWay.count <= Self.outstandingMax / 2,
            bytesUnderWay <= Self.outstandingBytesMax / 2
        {
            isFull = false
        }
    }

    private func refuse(_ offset: Int64, of shard: FoldingShard, _ problem: String) {
        failed += 1
        if shard.refusedLetter == nil {
            logger.error(
                "dead letter refused: offsets are committed no further until a restart",
                metadata: [
                    "partition": "\(shard.partition)", "offset": "\(offset)",
                    "error": "\(problem)",
                ])
        }
        shard.refusedLetter = min(shard.refusedLetter ?? offset, offset)
    }

    func close() { producer.close() }
}
