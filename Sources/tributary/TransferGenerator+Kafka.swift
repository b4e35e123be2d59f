import CivilTime
import KafkaClient
import Logging
import Synchronization
import TransferGenerator

extension TransferGenerator {
    /// Produces all events with their keys and record times, and waits until each is acknowledged.
    func produce(
        to topicName: String, at brokers: String, pacer: inout EventPacer, progress: ProgressLine
    ) throws -> EventTally {
        var logger = Logger(label: "tributary.generate")
        // This reports an error once, at the end; librdkafka would log each attempt.
        logger.logLevel = .critical
        let firstError = FirstError()
        let producer = try KafkaProducer(
            properties: [
                "bootstrap.servers": brokers, "message.timeout.ms": "\(Self.giveUpAfterMs)",
            ], logger: logger, onDelivery: { firstError.keep($0.error) })
        defer { producer.close() }
        let topic = try producer.topic(topicName)
        var tally = EventTally()
        var bytes: [UInt8] = []
        while let positions = pacer.take() {
            for position in positions {
                bytes.removeAll(keepingCapacity: true)
                let event = append(position, to: &bytes)
                appendKey(of: event, to: &bytes)
                tally.count(event.kind)
                try producer.produce(event, bytes, to: topic)
            }
            if producer.failed > 0 { break }
            show(tally, on: progress)
        }
        // Ends by itself: records that are not acknowledged in time fail.
        while producer.failed == 0, !producer.flush(timeoutMs: 250) { show(tally, on: progress) }
        guard producer.failed == 0 else {
            throw GenerateFailure(
                brokers: brokers, topic: topicName, count: tally.total,
                delivered: producer.delivered, cause: firstError.error)
        }
        return tally
    }

    private static let giveUpAfterMs = 10_000
}

extension KafkaProducer {
    /// Produces an event with its record time; `bytes` are its value followed by its key. Waits
    /// while the queue is full.
    func produce(
        _ event: GeneratedEvent, _ bytes: [UInt8], to topic: KafkaTopic
    ) throws {
        let outcome: Result<Void, KafkaError> = bytes.withUnsafeBytes { bytes in
            let value = UnsafeRawBufferPointer(rebasing: bytes[event.value])
            let key = UnsafeRawBufferPointer(rebasing: bytes[event.value.upperBound...])
            return Result { () throws(KafkaError) in
                while true {
                    do throws(KafkaError) {
                        return try produce(
                            to: topic, key: key, value: value,
                            timestampMs: event.recordTime.milliseconds)
                    } catch {
                        guard error.code == .queueFull else { throw error }
                        _ = waitForSpace(timeoutMs: 1_000)
                    }
                }
            }
        }
        try outcome.get()
    }
}

/// Keeps the first error of the delivery reports. Any thread.
private final class FirstError: Sendable {
    private let kept = Mutex<KafkaError?>(nil)

    var error: KafkaError? { kept.withLock { $0 } }

    func keep(_ error: KafkaError?) {
        guard let error else { return }
        kept.withLock { $0 = $0 ?? error }
    }
}

/// The broker did not acknowledge all records.
struct GenerateFailure: Error, CustomStringConvertible {
    var brokers: String
    var topic: String
    var count: Int
    var delivered: Int
    var cause: KafkaError?

    var description: String {
        let reason = cause.map { ": \($0.message)" } ?? ""
        return "\(brokers) acknowledged \(delivered) of \(count) records of \(topic)\(reason)"
    }
}
