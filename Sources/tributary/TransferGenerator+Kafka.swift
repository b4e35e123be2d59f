import CivilTime
import KafkaClient
import Logging
import TransferGenerator

extension TransferGenerator {
    /// Produces all events with their keys and record times, and waits until each is acknowledged.
    func produce(
        to topicName: String, at brokers: String, pacer: inout EventPacer, progress: ProgressLine
    ) throws -> EventTally {
        var logger = Logger(label: "tributary.generate")
        logger.logLevel = .error
        let producer = try KafkaProducer(
            properties: [
                "bootstrap.servers": brokers, "message.timeout.ms": "\(Self.giveUpAfterMs)",
            ], logger: logger)
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
        // Ends by itself: what is not acknowledged in time has failed.
        while producer.failed == 0, !producer.flush(timeoutMs: 250) { show(tally, on: progress) }
        guard producer.failed == 0 else {
            throw GenerateFailure(
                brokers: brokers, topic: topicName, delivered: producer.delivered)
        }
        return tally
    }

    private static let giveUpAfterMs = 20_000
}

extension KafkaProducer {
    /// Produces an event whose value, followed by its key, is all of `bytes`, with its record time;
    /// waits while the queue is full.
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

/// Records that no broker acknowledged.
struct GenerateFailure: Error, CustomStringConvertible {
    var brokers: String
    var topic: String
    var delivered: Int

    var description: String {
        "\(brokers): not all records of topic \(topic) were acknowledged, \(delivered) were"
    }
}
