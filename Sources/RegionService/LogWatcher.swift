import Aggregation
import CivilTime
import DeltaProtocol
import Identifiers
import KafkaClient
import Logging
import Platform
import RegionCore
import Topology

/// Queries the broker, on dedicated threads, for what a node needs besides records: where a shard
/// begins, and where each partition ends. Each question gets exactly one answer, as an event in the
/// node's inbox.
///
/// A join asks several questions per partition, and finding the last record of a partition with
/// transactions takes several reads. Questions about different partitions therefore run in
/// parallel.
final class LogWatcher: Sendable {
    /// A broker that does not answer for this long counts as unreachable.
    private static let timeoutMs: Int32 = 5_000
    /// Maximum number of questions waiting on one thread: the facts of every partition, and a few
    /// more.
    private static let questionsMax = Int(ShardID.maximumPartitions) + 8
    /// Threads for questions about one partition. They mostly wait, and share one client.
    private static let lanesMax = 8

    private let log: Result<KafkaLog, KafkaError>
    /// Asks about all partitions at once.
    private let thread: WorkerThread<Void>
    /// Each asks about one partition at a time; a partition always has the same thread.
    private let lanes: [WorkerThread<Void>]
    private let trustsProducers: Bool
    private let inbox: Inbox<RegionEvent>

    init(region: Region, inbox: Inbox<RegionEvent>, logger: Logger) throws {
        let (properties, topic) = (region.kafka, region.topic)
        trustsProducers = region.timestamps == .trusted
        self.inbox = inbox
        log = Result { () throws(KafkaError) in
            try KafkaLog(properties: properties, topic: topic, logger: logger)
        }
        thread = try WorkerThread(name: "kafka-log", capacity: Self.questionsMax)
        lanes = try (0..<Self.lanesMax).map {
            try WorkerThread(name: "kafka-log-\($0)", capacity: Self.questionsMax)
        }
    }

    /// The topic's number of partitions.
    ///
    /// - Throws: ``KafkaErrorCode/invalidConfiguration`` if the properties are invalid.
    func partitionCount() async throws -> Int {
        let log = log
        return try await thread.perform { _ in
            try log.get().partitionCount(timeoutMs: Self.timeoutMs)
        }
    }

    /// Queries the facts that a joining shard needs.
    func askFacts(question: Int, partition: Int32, from: UnixTime) {
        let trustsProducers = trustsProducers
        submit(to: lane(of: partition)) { log throws(KafkaError) in
            let facts = try Self.facts(log, partition: partition, from: from)
            let last =
                trustsProducers
                ? nil : try log.lastRecord(partition: partition, timeoutMs: Self.timeoutMs)
            return .facts(
                question: question, facts, isProducerStamped: last?.timestampKind == .producer)
        } otherwise: {
            .factsUnknown(question: question, problem: $0)
        }
    }

    /// Queries the ends of the partitions.
    func askEnds(question: Int, of partitions: [Int32]) {
        submit(to: thread) { log throws(KafkaError) in
            .ends(
                question: question,
                try log.endOffsets(partitions, timeoutMs: Self.timeoutMs))
        } otherwise: { _ in
            .endsUnknown(question: question)
        }
    }

    /// Queries the log's facts about an offset.
    func askRecord(question: Int, at place: PartitionOffset) {
        submit(to: lane(of: place.partition)) { log throws(KafkaError) in
            let bounds = try log.watermarks(
                partition: place.partition, timeoutMs: Self.timeoutMs)
            var found: Fingerprint?
            if place.offset >= bounds.low, place.offset < bounds.high {
                found = try log.record(
                    at: place.offset, partition: place.partition, timeoutMs: Self.timeoutMs
                ).map { record in
                    Fingerprint(
                        offset: place.offset,
                        timestamp: record.timestampMs ?? LogRecord.noTimestamp,
                        crc: record.value.map { CRC32C.checksum(of: $0) } ?? 0)
                }
            }
            return .record(
                question: question,
                RecordFacts(low: bounds.low, high: bounds.high, record: found))
        } otherwise: {
            .recordUnknown(question: question, problem: $0)
        }
    }

    private func lane(of partition: Int32) -> WorkerThread<Void> {
        lanes[Int(partition) % Self.lanesMax]
    }

    private func submit(
        to thread: WorkerThread<Void>,
        _ ask: @escaping @Sendable (KafkaLog) throws(KafkaError) -> RegionEvent,
        otherwise: @escaping @Sendable (_ problem: String) -> RegionEvent
    ) {
        let (inbox, log) = (inbox, log)
        do {
            try thread.submit { _ in
                do throws(KafkaError) {
                    inbox.put(try ask(try log.get()))
                } catch {
                    inbox.put(otherwise("\(error)"))
                }
            }
        } catch {
            inbox.put(otherwise("\(error)"))
        }
    }

    private static func facts(
        _ log: KafkaLog, partition: Int32, from: UnixTime
    ) throws(KafkaError) -> ShardJoin.LogFacts {
        let start = try log.firstOffset(
            atOrAfter: max(from.milliseconds, 0), partition: partition, timeoutMs: timeoutMs)
        let bounds = try log.watermarks(partition: partition, timeoutMs: timeoutMs)
        // Retention may have advanced since the look-up.
        let offset = max(start, bounds.low)
        var timestamp: Int64?
        if offset > 0, offset < bounds.high {
            timestamp = try log.record(
                at: offset, partition: partition, timeoutMs: timeoutMs)?.timestampMs
        }
        return ShardJoin.LogFacts(
            low: bounds.low, high: bounds.high, start: offset, startTimestamp: timestamp)
    }

    func stop() async {
        for thread in lanes + [thread] { await thread.stop() }
        if case .success(let log) = log { log.close() }
    }
}
