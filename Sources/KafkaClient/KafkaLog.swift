internal import CRdKafka
package import Logging
import Platform
import Synchronization

/// Queries one topic without being a member of any group: partition count, begin and end offsets,
/// single records, offsets by time.
///
/// Several threads may query, each its own partitions; the consumer's thread must not. Every call
/// blocks, at most for its timeout, and throws if the broker does not answer in time.
package final class KafkaLog: Sendable {
    private let handle: Handle
    private let topicObject: KafkaTopic
    private var topicHandle: OpaquePointer { topicObject.raw }
    package let topic: String
    private let isClosed = Atomic(false)

    /// - Parameter properties: librdkafka's, as for ``KafkaConsumer``; settings for reading ahead
    ///   apply only to the consumer.
    /// - Throws: ``KafkaErrorCode/invalidConfiguration``. No broker is contacted yet.
    package init(
        properties: [String: String], topic: String, logger: Logger
    ) throws(KafkaError) {
        var properties = properties
        // Fetch only one record at a time.
        properties["queued.min.messages"] = "1"
        let configuration = try HandleConfiguration(
            properties: properties,
            defaults: [
                "client.id": "tributary", "reconnect.backoff.max.ms": "2000",
                "fetch.wait.max.ms": "100",
            ],
            fixed: [
                "auto.offset.reset": "error", "enable.partition.eof": "true",
                "allow.auto.create.topics": "false",
                // The end is the high watermark, not the start of an open transaction.
                "isolation.level": "read_uncommitted",
            ], others: OneSidedProperties.producer
        ).build()
        let handle = try Handle(RD_KAFKA_CONSUMER, configuration, HandleContext(logger: logger))
        guard let topicHandle = rd_kafka_topic_new(handle.raw, topic, nil) else {
            throw KafkaError(rd_kafka_last_error())
        }
        self.handle = handle
        topicObject = KafkaTopic(raw: topicHandle)
        self.topic = topic
    }

    deinit { close() }

    /// Ends librdkafka's threads. No other call except this one may run or follow.
    package func close() {
        if isClosed.exchange(true, ordering: .acquiringAndReleasing) { return }
        rd_kafka_topic_destroy(topicHandle)
        handle.destroy()
    }

    /// The topic's current partition count.
    /// - Throws: ``KafkaErrorCode/unknownTopicOrPartition`` if there is no such topic.
    package func partitionCount(timeoutMs: Int32) throws(KafkaError) -> Int {
        var answer: UnsafePointer<rd_kafka_metadata>?
        try KafkaError.check(
            rd_kafka_metadata(handle.raw, 0, topicHandle, &answer, timeoutMs))
        defer { rd_kafka_metadata_destroy(answer) }
        guard let answer, answer.pointee.topic_cnt == 1, let found = answer.pointee.topics else {
            throw KafkaError(code: .unknownTopicOrPartition)
        }
        try KafkaError.check(found.pointee.err)
        return Int(found.pointee.partition_cnt)
    }

    /// The first offset that the log still holds, and the offset that the next record will get.
    /// Open transactions count.
    package func watermarks(
        partition: Int32, timeoutMs: Int32
    ) throws(KafkaError) -> (low: Int64, high: Int64) {
        let deadline = Deadline(afterMs: timeoutMs)
        let low = try listOffsets([partition], at: Int64(RD_KAFKA_OFFSET_BEGINNING), deadline)
        let high = try listOffsets([partition], at: Int64(RD_KAFKA_OFFSET_END), deadline)
        guard let low = low[partition], let high = high[partition] else {
            throw KafkaError(code: .unknownPartition)
        }
        return (low, high)
    }

    /// The end of each partition, with one request to each broker that leads any of them.
    ///
    /// - Throws: if the answer for any of the partitions is missing.
    package func endOffsets(
        _ partitions: [Int32], timeoutMs: Int32
    ) throws(KafkaError) -> [Int32: Int64] {
        try listOffsets(
            partitions, at: Int64(RD_KAFKA_OFFSET_END), Deadline(afterMs: timeoutMs))
    }

    /// The beginning of each partition, like ``endOffsets(_:timeoutMs:)``.
    package func startOffsets(
        _ partitions: [Int32], timeoutMs: Int32
    ) throws(KafkaError) -> [Int32: Int64] {
        try listOffsets(
            partitions, at: Int64(RD_KAFKA_OFFSET_BEGINNING), Deadline(afterMs: timeoutMs))
    }

    /// Kafka's ListOffsets request: `time` in ms since 1970, or one of librdkafka's two special
    /// offsets, which have the same values in the protocol.
    private func listOffsets(
        _ partitions: [Int32], at time: Int64, _ deadline: Deadline
    ) throws(KafkaError) -> [Int32: Int64] {
        if partitions.isEmpty { return [:] }
        let list = PartitionList(topic: topic, partitions: Set(partitions), offset: time)
        try KafkaError.check(
            rd_kafka_offsets_for_times(handle.raw, list.raw, try deadline.remainingMs()))
        return try list.offsets()
    }
}

// MARK: - Records and times

extension KafkaLog {
    /// The record at exactly this offset; nil if there is none (compacted, or not data).
    ///
    /// - Throws: ``KafkaErrorCode/offsetOutOfRange`` if the offset is outside the log.
    package func record(
        at offset: Int64, partition: Int32, timeoutMs: Int32
    ) throws(KafkaError) -> KafkaStoredRecord? {
        var found: KafkaStoredRecord?
        try read(partition, from: offset, Deadline(afterMs: timeoutMs)) { message in
            if message.pointee.offset == offset { found = KafkaStoredRecord(message) }
            return false
        }
        return found
    }

    /// The last record of the partition; nil if it has none.
    package func lastRecord(
        partition: Int32, timeoutMs: Int32
    ) throws(KafkaError) -> KafkaStoredRecord? {
        let deadline = Deadline(afterMs: timeoutMs)
        let bounds = try watermarks(partition: partition, timeoutMs: try deadline.remainingMs())
        return try lastRecord(partition, bounds, deadline)
    }

    /// The offset from which to read everything whose timestamp is `timeMs` or later: the first
    /// such record; the end, if all records are older; the beginning, if the broker cannot look up
    /// by time.
    ///
    /// Some brokers always answer "no such record", so that answer alone is not trusted: the last
    /// record's timestamp decides.
    package func firstOffset(
        atOrAfter timeMs: Int64, partition: Int32, timeoutMs: Int32
    ) throws(KafkaError) -> Int64 {
        precondition(timeMs >= 0, "a time before 1970 was looked up")
        let deadline = Deadline(afterMs: timeoutMs)
        let answer = try listOffsets([partition], at: timeMs, deadline)
        if let offset = answer[partition], offset >= 0 { return offset }
        let bounds = try watermarks(partition: partition, timeoutMs: try deadline.remainingMs())
        guard let last = try lastRecord(partition, bounds, deadline) else { return bounds.high }
        if let lastMs = last.timestampMs, lastMs < timeMs {
            // Not the current end: records that arrived since the query may be recent enough.
            return last.position.offset + 1
        }
        return bounds.low
    }

    /// Searches backwards from the end in growing steps, because the last offsets of a log can be
    /// transaction markers or holes of compaction.
    private func lastRecord(
        _ partition: Int32, _ bounds: (low: Int64, high: Int64), _ deadline: Deadline
    ) throws(KafkaError) -> KafkaStoredRecord? {
        var step: Int64 = 1
        var from = bounds.high
        while from > bounds.low {
            from = max(bounds.low, bounds.high - step)
            step *= 16
            var last: KafkaStoredRecord?
            try read(partition, from: from, deadline) { message in
                guard message.pointee.offset < bounds.high else { return false }
                last = KafkaStoredRecord(message)
                return message.pointee.offset + 1 < bounds.high
            }
            if let last { return last }
        }
        return nil
    }

    /// Reads one partition until `body` returns false or the partition ends.
    private func read(
        _ partition: Int32, from offset: Int64, _ deadline: Deadline,
        _ body: (UnsafeMutablePointer<rd_kafka_message_t>) -> Bool
    ) throws(KafkaError) {
        guard offset >= 0 else { throw KafkaError(code: .offsetOutOfRange) }
        let queue = rd_kafka_queue_new(handle.raw)
        defer { rd_kafka_queue_destroy(queue) }
        guard rd_kafka_consume_start_queue(topicHandle, partition, offset, queue) == 0 else {
            throw KafkaError(rd_kafka_last_error())
        }
        defer { rd_kafka_consume_stop(topicHandle, partition) }
        while true {
            guard let message = rd_kafka_consume_queue(queue, try deadline.remainingMs()) else {
                continue
            }
            defer { rd_kafka_message_destroy(message) }
            let code = KafkaErrorCode(message.pointee.err)
            switch code {
            case .noError: if !body(message) { return }
            case .partitionEnd: return
            case .offsetResetForbidden: throw KafkaError(code: .offsetOutOfRange)
            case _ where code.answer == .retry: continue
            default: throw KafkaError(code: code)
            }
        }
    }
}
