import Aggregation
import KafkaClient
import Logging
import RegionCore

/// Sends the node's letters to the dead-letter topic and reports each outcome to the node's inbox.
/// Confined to the node's thread, except for delivery reports.
final class DeadLetterProducer {
    /// The length of one wait for space in the producer's queue.
    private static let spaceTimeoutMs: Int32 = 100

    /// A truncated copy, in case the topic refuses the letter for its size.
    private struct Short {
        var key: [UInt8]?
        var value: [UInt8]
        var headers: [KafkaHeader]
    }

    private let producer: KafkaProducer
    private let topic: KafkaTopic
    private let topicName: String
    private let inbox: Inbox<RegionEvent>
    private var shorts: [UInt: Short] = [:]

    init(
        properties: [String: String], topic: String, inbox: Inbox<RegionEvent>, logger: Logger
    ) throws {
        self.inbox = inbox
        topicName = topic
        var properties = properties
        // Never give up a letter: the records after it stay uncommitted meanwhile.
        properties["message.timeout.ms"] = "0"
        // A node that folds again may repeat a letter in any case. An idempotent producer fails
        // permanently if its user lacks an access right, and would take the node with it.
        properties["enable.idempotence"] = "false"
        // The topic's max.message.bytes applies to whole batches: avoid refusing a letter because
        // of its neighbours.
        properties["batch.size"] = "\(16 << 10)"
        producer = try KafkaProducer(properties: properties, logger: logger) { delivery in
            if let error = delivery.error {
                inbox.put(.refused(delivery.token, error, topic: topic))
            } else {
                inbox.put(.letterAcknowledged(delivery.token))
            }
        }
        self.topic = try producer.topic(topic)
    }

    /// Sends a record as a letter.
    func send(_ letter: Letter, _ record: KafkaRecord) {
        let value = UnsafeRawBufferPointer(rebasing: record.value.prefix(Letter.valueBytes))
        let key =
            record.key.baseAddress == nil
            ? nil : UnsafeRawBufferPointer(rebasing: record.key.prefix(Letter.keyBytes))
        let headers = [
            KafkaHeader(name: "reason", value: Array(letter.cause.name.utf8)),
            KafkaHeader(name: "partition", value: Array(String(letter.place.partition).utf8)),
            KafkaHeader(name: "offset", value: Array(String(letter.place.offset).utf8)),
        ]
        if value.count > Letter.shortBytes {
            shorts[letter.token] = Short(
                key: key.map(Array.init), value: Array(value.prefix(Letter.shortBytes)),
                headers: headers + [KafkaHeader(name: "truncated", value: Array("true".utf8))])
        }
        queue(letter.token) { () throws(KafkaError) in
            try producer.produce(
                to: topic, key: key, value: value, headers: headers, token: letter.token)
        }
    }

    /// Sends a letter again, truncated.
    func sendShort(_ token: UInt) {
        guard let short = shorts.removeValue(forKey: token) else {
            preconditionFailure("a short letter cannot be truncated again")
        }
        queue(token) { () throws(KafkaError) in
            try producer.produce(
                to: topic, key: short.key, value: short.value, headers: short.headers,
                token: token)
        }
    }

    private func queue(_ token: UInt, _ produce: () throws(KafkaError) -> Void) {
        while true {
            do throws(KafkaError) {
                return try produce()
            } catch  where error.code == .queueFull {
                // This happens only if the properties make the queue smaller than the node's
                // bounds.
                _ = producer.waitForSpace(
                    below: max(producer.outstanding / 2, 1), timeoutMs: Self.spaceTimeoutMs)
            } catch {
                // A missing or forbidden topic affects the letter, not the shard.
                return inbox.put(.refused(token, error, topic: topicName))
            }
        }
    }

    /// Drops the copy of a letter that is acknowledged or refused.
    func forget(_ event: RegionEvent) {
        switch event {
        case .letterAcknowledged(let token), .letterRefused(let token, _, _):
            shorts[token] = nil
        default: break
        }
    }

    func close() { producer.close() }
}

extension RegionEvent {
    fileprivate static func refused(
        _ token: UInt, _ error: KafkaError, topic: String
    ) -> RegionEvent {
        let wayOut =
            error.code.isAuthorization ? "; the node's user needs the right to write \(topic)" : ""
        return .letterRefused(
            token, isTooLarge: error.code.isSize, problem: "\(error)\(wayOut)")
    }
}
