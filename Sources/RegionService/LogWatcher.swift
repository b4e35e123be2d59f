import Aggregation
import CivilTime
import KafkaClient
import Logging
import Topology
import WorkerThread

/// Asks the broker, on a thread of its own, what a node must know beside the records: where a
/// shard begins, and where each partition ends now.
final class LogWatcher: Sendable {
    enum Answer: Sendable {
        /// Beside the facts, who stamped the last record: nil where there is none, or where the
        /// region trusts whoever it was.
        case facts(
            partition: Int32, askedAt: UnixTime, ShardJoin.LogFacts, stamped: KafkaTimestampKind?)
        case failed(partition: Int32, askedAt: UnixTime, KafkaError)
        /// The ends of all partitions asked for, as of a question sent at `askedAt`.
        case ends([Int32: Int64], askedAt: UnixTime)
        /// The broker did not answer: nothing is proven.
        case endsUnknown
    }

    /// A broker that does not answer for so long counts as unreachable.
    private static let timeoutMs: Int32 = 5_000

    private let thread: WorkerThread<Result<KafkaLog, KafkaError>>
    private let trustsProducers: Bool
    let inbox = Inbox<Answer>()

    init(region: Region, logger: Logger) throws {
        let (properties, topic) = (region.kafka, region.topic)
        trustsProducers = region.timestamps == .trusted
        thread = try WorkerThread(name: "kafka-log", capacity: ShardLimit.questions) {
            Result { () throws(KafkaError) in
                try KafkaLog(properties: properties, topic: topic, logger: logger)
            }
        }
    }

    /// How many partitions the topic has.
    ///
    /// - Throws: ``KafkaErrorCode/invalidConfiguration`` where the properties make no client.
    func partitionCount() async throws -> Int {
        try await thread.perform { log in
            try log.get().partitionCount(timeoutMs: Self.timeoutMs)
        }
    }

    /// Asks for the facts that a shard joins by. Where this says true, exactly one answer with
    /// `now` as its `askedAt` comes to the inbox; otherwise the queue is full.
    func askFacts(partition: Int32, now: UnixTime) -> Bool {
        let inbox = inbox
        let trustsProducers = trustsProducers
        return submit { log throws(KafkaError) in
            do throws(KafkaError) {
                let facts = try Self.facts(log, partition: partition, now: now)
                let last =
                    trustsProducers
                    ? nil : try log.lastRecord(partition: partition, timeoutMs: Self.timeoutMs)
                inbox.put(
                    .facts(
                        partition: partition, askedAt: now, facts, stamped: last?.timestampKind))
            } catch {
                inbox.put(.failed(partition: partition, askedAt: now, error))
            }
        }
    }

    /// Asks where the partitions end; the answer comes to the inbox.
    func askEnds(of partitions: [Int32]) {
        let inbox = inbox
        _ = submit { log throws(KafkaError) in
            let askedAt = WallClock.now()
            do throws(KafkaError) {
                let ends = try log.endOffsets(partitions, timeoutMs: Self.timeoutMs)
                inbox.put(.ends(ends, askedAt: askedAt))
            } catch {
                inbox.put(.endsUnknown)
            }
        }
    }

    /// False where the queue is full and the question was dropped: who asked asks again.
    private func submit(
        _ job: @escaping @Sendable (KafkaLog) throws(KafkaError) -> Void
    ) -> Bool {
        do {
            try thread.submit { log in
                guard let log = try? log.get() else { return }
                try? job(log)
            }
            return true
        } catch {
            return false
        }
    }

    private static func facts(
        _ log: KafkaLog, partition: Int32, now: UnixTime
    ) throws(KafkaError) -> ShardJoin.LogFacts {
        let from = max((now - ShardJoin.rememberMilliseconds).milliseconds, 0)
        let start = try log.firstOffset(
            atOrAfter: from, partition: partition, timeoutMs: timeoutMs)
        let bounds = try log.watermarks(partition: partition, timeoutMs: timeoutMs)
        // Retention may have moved on since the look-up.
        let offset = max(start, bounds.low)
        var timestamp: Int64?
        if offset > 0, offset < bounds.high {
            timestamp = try log.record(
                at: offset, partition: partition, timeoutMs: timeoutMs)?.timestampMs
        }
        return ShardJoin.LogFacts(
            low: bounds.low, high: bounds.high, start: offset, startTimestamp: timestamp)
    }

    func stop() async { await thread.stop() }
}

/// Bounds of a node's queues.
enum ShardLimit {
    /// Questions to the log that may wait: the facts of every partition, and the ends.
    static let questions = Int(ShardID.maximumPartitions) + 8
}
