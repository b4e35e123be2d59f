internal import CRdKafka
package import Logging
import Platform

/// A member of a consumer group, reading one topic.
///
/// Confined to one thread: create it, use it and drop it there (as a ``WorkerThread``'s state).
/// Callbacks run inside ``poll(maxRecords:timeoutMs:onRecords:onEvent:)``, so the owner sees
/// records and rebalances in one order and needs no lock. librdkafka 2.0.2 may lose messages if a
/// batch is read while another thread rebalances or seeks; confinement rules that out.
///
/// Nothing is committed or reset automatically. The owner decides where each partition starts
/// (``assign(_:)``) and which offsets are safe to commit (``commit(_:)``).
package final class KafkaConsumer {
    /// The maximum number of records that one call of `poll` delivers. Each record is accessed four
    /// times (fetched, described, folded, freed); this many stay in the core's own cache
    /// throughout.
    package static let batchRecordsMax = 1024

    private let handle: Handle
    private let context: ConsumerContext
    private let logger: Logger
    private let queue: OpaquePointer
    private var topic = ""
    private var isClosed = false

    private let messages: UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>
    private let records: UnsafeMutablePointer<KafkaRecord>

    /// - Parameters:
    ///   - properties: librdkafka's, passed through unchanged except for ``fixedProperties``.
    ///   - group: the consumer group's name.
    /// - Throws: ``KafkaErrorCode/invalidConfiguration``. No broker is contacted yet.
    package init(
        properties: [String: String], group: String, logger: Logger
    ) throws(KafkaError) {
        var fixed = Self.fixedProperties
        fixed["group.id"] = group
        let configuration = try HandleConfiguration(
            properties: properties, defaults: Self.defaultProperties, fixed: fixed,
            others: OneSidedProperties.producer
        ).build()
        setConsumerCallbacks(configuration)
        let context = ConsumerContext(logger: logger)
        let handle = try Handle(RD_KAFKA_CONSUMER, configuration, context)
        rd_kafka_poll_set_consumer(handle.raw)
        guard let queue = rd_kafka_queue_get_consumer(handle.raw) else {
            throw KafkaError(code: .invalidConfiguration, message: "kafka group name is empty")
        }
        context.queue = queue
        self.context = context
        self.logger = logger
        self.handle = handle
        self.queue = queue
        messages = .allocate(capacity: Self.batchRecordsMax)
        records = .allocate(capacity: Self.batchRecordsMax)
    }

    deinit {
        close()
        messages.deallocate()
        records.deallocate()
    }

    /// The values that correctness depends on. Cooperative assignment is excluded because of known
    /// faults in librdkafka 2.0.2.
    package static let fixedProperties = [
        "enable.auto.commit": "false", "enable.auto.offset.store": "false",
        "auto.offset.reset": "error", "enable.partition.eof": "true",
        "partition.assignment.strategy": "range,roundrobin",
        "allow.auto.create.topics": "false", "isolation.level": "read_committed",
        "check.crcs": "true",
    ]

    /// Used for properties that the user does not set: the client finds a recovered broker within
    /// 2 s, reports an idle partition's end 10 times a second, and reads a backlog without pauses.
    ///
    /// librdkafka 2.0.2 stops fetching for a second when its queue is full. With the library's
    /// default of 100,000 records a rebuild would hit that repeatedly. A queue of half a second's
    /// fold costs about 300 MB during a backlog, and nothing otherwise.
    private static let defaultProperties = [
        "client.id": "tributary", "reconnect.backoff.max.ms": "2000", "fetch.wait.max.ms": "100",
        "queued.min.messages": "1000000", "queued.max.messages.kbytes": "262144",
    ]

    /// Joins the group for one topic. The group answers with ``KafkaEvent/assigned(_:)``.
    ///
    /// - Parameter topic: its exact name; a pattern (leading `^`) is refused.
    package func subscribe(_ topic: String) throws(KafkaError) {
        guard !topic.isEmpty, !topic.hasPrefix("^") else {
            throw KafkaError(code: .invalidArgument, message: "kafka topic needs an exact name")
        }
        self.topic = topic
        let list = PartitionList(topic: topic, partitions: [RD_KAFKA_PARTITION_UA], offset: 0)
        try KafkaError.check(rd_kafka_subscribe(handle.raw, list.raw))
    }

    /// Delivers records and events that have arrived, or waits for some.
    ///
    /// Records come in runs of one partition in rising offset order, as long as the batch allows.
    /// Buffers are reused; nothing is allocated per record. All records of a call that precede a
    /// rebalance are delivered before its event.
    ///
    /// Call it at least every `max.poll.interval.ms` (5 minutes by default), or the group takes the
    /// partitions away.
    ///
    /// - Parameters:
    ///   - maxRecords: 1 to ``batchRecordsMax``.
    ///   - timeoutMs: how long to wait if nothing has arrived; returns as soon as anything does.
    ///   - onRecords: the partition and its records, whose bytes are valid only during the call.
    ///     If it throws, the rest of the batch is lost: assign the partitions again.
    /// - Returns: the number of records delivered.
    package func poll(
        maxRecords: Int = KafkaConsumer.batchRecordsMax, timeoutMs: Int32,
        onRecords: (_ partition: Int32, _ records: UnsafeBufferPointer<KafkaRecord>) throws -> Void,
        onEvent: (KafkaEvent) throws -> Void
    ) rethrows -> Int {
        precondition(!isClosed, "a closed consumer was polled")
        let count = receive(limit: min(max(maxRecords, 1), Self.batchRecordsMax), timeoutMs)
        defer {
            for index in 0..<count { rd_kafka_message_destroy(messages[index]) }
        }
        let delivered = try deliver(count, onRecords, onEvent)
        // The callbacks ran inside `receive`, in the middle of the batch at the latest. librdkafka
        // drops what it had queued for an older assignment, so every record of the batch precedes
        // them.
        while !context.pending.isEmpty { try onEvent(context.pending.removeFirst()) }
        return delivered
    }

    /// Fills `messages`. The batch call would wait until the batch is full, so only the first
    /// message is waited for.
    private func receive(limit: Int, _ timeoutMs: Int32) -> Int {
        let ready = rd_kafka_consume_batch_queue(queue, 0, messages, limit)
        if ready > 0 || timeoutMs <= 0 || !context.pending.isEmpty { return max(ready, 0) }
        let first = rd_kafka_consume_batch_queue(queue, timeoutMs, messages, 1)
        guard first == 1, limit > 1 else { return max(first, 0) }
        return 1 + max(rd_kafka_consume_batch_queue(queue, 0, messages + 1, limit - 1), 0)
    }

    private func deliver(
        _ count: Int,
        _ onRecords: (Int32, UnsafeBufferPointer<KafkaRecord>) throws -> Void,
        _ onEvent: (KafkaEvent) throws -> Void
    ) rethrows -> Int {
        var delivered = 0
        var run = 0
        var runPartition: Int32 = -1
        for index in 0..<count {
            guard let message = messages[index] else { continue }
            let partition = message.pointee.partition
            let isRecord = message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR
            if run > 0, partition != runPartition || !isRecord {
                try onRecords(runPartition, UnsafeBufferPointer(start: records, count: run))
                delivered += run
                run = 0
            }
            if isRecord {
                runPartition = partition
                (records + run).initialize(to: KafkaRecord(message))
                run += 1
            } else {
                try onEvent(event(of: message))
            }
        }
        if run > 0 {
            try onRecords(runPartition, UnsafeBufferPointer(start: records, count: run))
        }
        return delivered + run
    }

    /// The event that an error message in the queue denotes.
    private func event(of message: UnsafeMutablePointer<rd_kafka_message_t>) -> KafkaEvent {
        let code = KafkaErrorCode(message.pointee.err)
        let partition = message.pointee.partition
        let offset = message.pointee.offset
        switch code {
        case .partitionEnd:
            return .endOfPartition(partition: partition, offset: offset)
        case .offsetResetForbidden, .offsetOutOfRange:
            return .offsetOutOfRange(partition: partition, offset: offset)
        default:
            let text = rd_kafka_message_errstr(message).map { String(cString: $0) }
            var error = KafkaError(code: code, message: text)
            if code == .fatal { error = KafkaError.fatal(of: handle.raw) ?? error }
            // A group error has no topic; its partition field is then meaningless.
            let isGeneral = partition < 0 || message.pointee.rkt == nil
            return isGeneral || error.isFatal
                ? .error(error) : .partitionFailed(partition: partition, error)
        }
    }

    /// Leaves the group and ends librdkafka's threads. Blocks for milliseconds or, if the broker is
    /// away during a commit to it, slightly longer than `closeMsMax`. Further calls have no effect.
    package func close() {
        if isClosed { return }
        isClosed = true
        context.queue = nil
        let hasLeft = leaveGroup()
        rd_kafka_queue_destroy(queue)
        if hasLeft {
            handle.destroy()
        } else {
            logger.warning("the group was not left in time: the session times out instead")
            handle.abandon()
        }
    }

    /// How long closing waits for the group's coordinator: less than a service manager waits, and
    /// usually more than librdkafka's own retries take.
    package static let closeMsMax: Int32 = 8_000

    private static let closePollMs: Int32 = 100

    /// Returns false if the library does not finish. While a commit to an unreachable broker is in
    /// flight, librdkafka up to 2.x may query for the group's coordinator forever (its issue 3740);
    /// neither `rd_kafka_consumer_close` nor `rd_kafka_destroy` would then return.
    private func leaveGroup() -> Bool {
        guard let events = rd_kafka_queue_new(handle.raw) else { return false }
        defer { rd_kafka_queue_destroy(events) }
        if let error = rd_kafka_consumer_close_queue(handle.raw, events) {
            // A consumer in a fatal state is not in a group and can be destroyed.
            rd_kafka_error_destroy(error)
            return true
        }
        let deadline = Deadline(afterMs: Self.closeMsMax)
        while rd_kafka_consumer_closed(handle.raw) == 0 {
            guard !deadline.hasPassed else { return false }
            guard let event = rd_kafka_queue_poll(events, Self.closePollMs) else { continue }
            // This queue delivers the last rebalance as an event, not through the callback.
            if rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE {
                rd_kafka_assign(handle.raw, nil)
            }
            rd_kafka_event_destroy(event)
        }
        return true
    }
}

extension KafkaConsumer {
    /// The partitions that the group currently lets this member read.
    package var heldPartitions: Set<Int32> { context.held }

    /// Reads exactly these partitions, each from the given offset, instead of the present ones.
    ///
    /// May be called again with more or fewer partitions: all start at the given offsets, and
    /// nothing fetched for an earlier assignment is delivered any more. Call it between polls.
    ///
    /// - Throws: ``KafkaErrorCode/notAssigned`` for a partition the group did not give us,
    ///   ``KafkaErrorCode/invalidArgument`` for an offset below 0.
    package func assign(_ positions: [KafkaPosition]) throws(KafkaError) {
        for position in positions {
            if !context.held.contains(position.partition) {
                throw KafkaError(
                    code: .notAssigned,
                    message: "kafka partition \(position.partition) is not held by this member")
            }
            if position.offset < 0 { throw Self.negativeOffset }
        }
        let list = PartitionList(topic: topic, positions: positions)
        try KafkaError.check(rd_kafka_assign(handle.raw, list.raw))
    }

    /// Pauses delivery of these partitions without giving them up; their positions are kept.
    package func pause(_ partitions: [Int32]) throws(KafkaError) {
        let list = PartitionList(topic: topic, partitions: partitions, offset: 0)
        try KafkaError.check(rd_kafka_pause_partitions(handle.raw, list.raw))
        _ = try list.offsets()
    }

    /// Resumes where ``pause(_:)`` stopped.
    package func resume(_ partitions: [Int32]) throws(KafkaError) {
        let list = PartitionList(topic: topic, partitions: partitions, offset: 0)
        try KafkaError.check(rd_kafka_resume_partitions(handle.raw, list.raw))
        _ = try list.offsets()
    }

    /// Starts to commit the group's offsets and returns at once. A failure is reported as
    /// ``KafkaEvent/commitFailed(_:_:)``; success is silent.
    ///
    /// - Parameter positions: per partition, the next record that a new owner would read.
    package func commit(_ positions: [KafkaPosition]) throws(KafkaError) {
        if positions.isEmpty { return }
        if positions.contains(where: { $0.offset < 0 }) { throw Self.negativeOffset }
        let list = PartitionList(topic: topic, positions: positions)
        try KafkaError.check(rd_kafka_commit(handle.raw, list.raw, 1))
    }

    /// The group's committed offsets, without partitions that have none.
    ///
    /// - Parameter other: a topic to query without being a member; nil for the subscribed one.
    package func committedOffsets(
        _ partitions: [Int32], of other: String? = nil, timeoutMs: Int32
    ) throws(KafkaError) -> [Int32: Int64] {
        if partitions.isEmpty { return [:] }
        let list = PartitionList(topic: other ?? topic, partitions: partitions, offset: 0)
        try KafkaError.check(rd_kafka_committed(handle.raw, list.raw, timeoutMs))
        return try list.offsets().filter { $0.value >= 0 }
    }

    private static var negativeOffset: KafkaError {
        KafkaError(code: .invalidArgument, message: "kafka offset below 0")
    }
}

extension KafkaRecord {
    /// A view of a message, which its consumer still owns.
    init(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let timestampMs = rd_kafka_message_timestamp(message, &kind)
        self.init(
            offset: message.pointee.offset,
            timestampMs: timestampMs < 0 ? Self.withoutTimestamp : timestampMs,
            key: UnsafeRawBufferPointer(start: message.pointee.key, count: message.pointee.key_len),
            value: UnsafeRawBufferPointer(
                start: message.pointee.payload, count: message.pointee.len),
            timestampKind: timestampMs < 0 ? .none : KafkaTimestampKind(kind))
    }
}

extension KafkaTimestampKind {
    init(_ kind: rd_kafka_timestamp_type_t) {
        switch kind {
        case RD_KAFKA_TIMESTAMP_CREATE_TIME: self = .producer
        case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME: self = .broker
        default: self = .none
        }
    }
}
