import Aggregation
import KafkaClient
import Logging

/// The way to the dead-letter topic. Confined to the node's thread, but for delivery reports.
final class DeadLetters {
    /// Bytes of a value that are kept; a producer would refuse a rejected megabyte.
    private static let valueBytes = 64 << 10
    /// Bytes of a value that are kept where the topic refused the letter for its size.
    private static let truncatedBytes = 1 << 10
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
        var problem: KafkaError?
    }

    private struct Letter {
        var shard: FoldingShard
        var offset: Int64
        var headers: [KafkaHeader]
        /// What is kept to send a shorter letter, where a shorter one can be sent.
        var short: (key: [UInt8]?, value: [UInt8])?
        /// As they count towards what is outstanding.
        var bytes: Int
    }

    private let producer: KafkaProducer
    private let topic: KafkaTopic
    private let topicName: String
    private let reports: Inbox<Delivery>
    private let logger: Logger
    private var nextToken: UInt = 1
    private var underWay: [UInt: Letter] = [:]
    private var bytesUnderWay = 0
    /// Whether consumption must wait.
    private(set) var isFull = false
    private(set) var acknowledged = 0
    /// Letters that Kafka refused for good. Unless it did for their size, nothing is committed of
    /// their shards from there on, so that a restart sends them again.
    private(set) var failed = 0
    private var hasWarnedOfSize = false

    init(properties: [String: String], topic: String, logger: Logger) throws {
        let reports = Inbox<Delivery>()
        self.reports = reports
        self.logger = logger
        topicName = topic
        var properties = properties
        // A letter is never given up: the records behind it stay uncommitted meanwhile.
        properties["message.timeout.ms"] = "0"
        // The topic's max.message.bytes holds for a batch: no letter is refused for its neighbours.
        properties["batch.size"] = "\(16 << 10)"
        producer = try KafkaProducer(properties: properties, logger: logger) { delivery in
            reports.put(Delivery(token: delivery.token, problem: delivery.error))
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
        let value = UnsafeRawBufferPointer(rebasing: record.value.prefix(Self.valueBytes))
        let key =
            record.key.baseAddress == nil
            ? nil : UnsafeRawBufferPointer(rebasing: record.key.prefix(Self.keyBytes))
        var letter = Letter(
            shard: shard, offset: record.offset,
            headers: [
                KafkaHeader(name: "reason", value: Array(cause.name.utf8)),
                KafkaHeader(name: "partition", value: Array(String(shard.partition).utf8)),
                KafkaHeader(name: "offset", value: Array(String(record.offset).utf8)),
            ], bytes: value.count + (key?.count ?? 0))
        if value.count > Self.truncatedBytes {
            letter.short = (key.map(Array.init), Array(value.prefix(Self.truncatedBytes)))
            letter.bytes += Self.truncatedBytes + (key?.count ?? 0)
        }
        shard.unacknowledgedLetters.append(record.offset)
        try queue(letter) { token throws(KafkaError) in
            try producer.produce(
                to: topic, key: key, value: value, headers: letter.headers, token: token)
        }
    }

    /// Queues a letter that counts as unacknowledged already.
    private func queue(
        _ letter: Letter, _ produce: (_ token: UInt) throws(KafkaError) -> Void
    ) throws(KafkaError) {
        let token = nextToken
        nextToken += 1
        while true {
            do throws(KafkaError) {
                try produce(token)
                break
            } catch  where error.code == .queueFull {
                // Only where the properties make the queue smaller than the bounds above.
                _ = producer.waitForSpace(
                    below: max(producer.outstanding / 2, 1), timeoutMs: Self.spaceTimeoutMs)
            } catch  where !error.isFatal {
                // A topic that is missing or closed to us is the letter's trouble, not the shard's.
                return try take(error, of: letter)
            }
        }
        underWay[token] = letter
        bytesUnderWay += letter.bytes
        if underWay.count >= Self.outstandingMax || bytesUnderWay >= Self.outstandingBytesMax {
            isFull = true
        }
    }

    /// Takes note of what Kafka acknowledged.
    func settle() throws(KafkaError) {
        for delivery in reports.takeAll() {
            guard let letter = underWay.removeValue(forKey: delivery.token) else { continue }
            bytesUnderWay -= letter.bytes
            if let problem = delivery.problem {
                try take(problem, of: letter)
            } else {
                forget(letter)
                acknowledged += 1
            }
        }
        if underWay.count <= Self.outstandingMax / 2,
            bytesUnderWay <= Self.outstandingBytesMax / 2
        {
            isFull = false
        }
    }

    /// Sends a letter that was too large once more, cut; refuses any other.
    private func take(_ problem: KafkaError, of letter: Letter) throws(KafkaError) {
        guard problem.code.isSize, let short = letter.short else {
            forget(letter)
            return refuse(letter, problem)
        }
        var cut = letter
        cut.short = nil
        cut.headers.append(KafkaHeader(name: "truncated", value: Array("true".utf8)))
        cut.bytes = short.value.count + (short.key?.count ?? 0)
        let headers = cut.headers
        try queue(cut) { token throws(KafkaError) in
            try producer.produce(
                to: topic, key: short.key, value: short.value, headers: headers, token: token)
        }
    }

    private func forget(_ letter: Letter) {
        // Kafka acknowledges roughly in order, so this looks at few.
        if let index = letter.shard.unacknowledgedLetters.firstIndex(of: letter.offset) {
            letter.shard.unacknowledgedLetters.remove(at: index)
        }
    }

    private func refuse(_ letter: Letter, _ problem: KafkaError) {
        failed += 1
        let metadata: Logger.Metadata = [
            "topic": "\(topicName)", "partition": "\(letter.shard.partition)",
            "offset": "\(letter.offset)", "error": "\(problem)",
        ]
        if problem.code.isSize {
            // A restart would meet the same limit: the record is left where it is.
            if !hasWarnedOfSize {
                logger.error("dead letters too large for their topic", metadata: metadata)
            }
            hasWarnedOfSize = true
            return
        }
        if letter.shard.refusedLetter == nil {
            logger.error(
                "dead letter refused: offsets are committed no further until a restart",
                metadata: metadata)
        }
        letter.shard.refusedLetter = min(letter.shard.refusedLetter ?? letter.offset, letter.offset)
    }

    func close() { producer.close() }
}
