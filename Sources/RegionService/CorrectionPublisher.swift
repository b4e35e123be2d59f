import KafkaClient
import Logging
import RegionCore
import Synchronization

/// Publishes HQ's corrections to the region's own topic and reports each outcome to the node's
/// inbox. Creates its producer with the first record, because few nodes ever need one. Confined to
/// the node's thread, except for delivery reports.
final class CorrectionPublisher {
    /// After this long a record counts as failed, although it may be written: HQ offers it again.
    private static let timeoutMs = 30_000

    private let properties: [String: String]
    private let topicName: String
    private let inbox: Inbox<RegionEvent>
    private let logger: Logger
    private var producer: (KafkaProducer, KafkaTopic)?
    private var nextToken: UInt = 1
    private let underWay: UnderWay

    /// The commands of unacknowledged records, by token.
    private final class UnderWay: Sendable {
        let commands = Mutex<[UInt: String]>([:])

        func take(_ token: UInt) -> String? {
            commands.withLock { $0.removeValue(forKey: token) }
        }
    }

    init(
        properties: [String: String], topic: String, inbox: Inbox<RegionEvent>, logger: Logger
    ) {
        var properties = properties
        properties["message.timeout.ms"] = "\(Self.timeoutMs)"
        self.properties = properties
        topicName = topic
        self.inbox = inbox
        self.logger = logger
        underWay = UnderWay()
    }

    /// Publishes a record with the command's id as its key.
    func publish(_ record: [UInt8], partition: Int32, command: String) {
        let token = nextToken
        nextToken += 1
        underWay.commands.withLock { $0[token] = command }
        do {
            let (producer, topic) = try made()
            try producer.produce(
                to: topic, partition: partition, key: Array(command.utf8), value: record,
                token: token)
        } catch {
            _ = underWay.take(token)
            inbox.put(.publishingFailed(command: command, problem: "\(error)"))
            guard let error = error as? KafkaError, error.isFatal else { return }
            // This producer is unusable; the next record gets a new one.
            producer?.0.close()
            producer = nil
        }
    }

    private func made() throws -> (KafkaProducer, KafkaTopic) {
        if let producer { return producer }
        let (inbox, underWay) = (inbox, underWay)
        let producer = try KafkaProducer(properties: properties, logger: logger) { delivery in
            guard let command = underWay.take(delivery.token) else { return }
            guard let offset = delivery.offset else {
                let problem = delivery.error.map { "\($0)" } ?? "not acknowledged"
                return inbox.put(.publishingFailed(command: command, problem: problem))
            }
            inbox.put(
                .published(
                    command: command,
                    PartitionOffset(partition: delivery.partition, offset: offset)))
        }
        let made = (producer, try producer.topic(topicName))
        self.producer = made
        return made
    }

    func close() { producer?.0.close() }
}
