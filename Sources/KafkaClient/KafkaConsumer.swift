internal import CRdKafka
package import Logging

/// A member of a consumer group, reading one topic.
///
/// Confined to one thread: make it, use it and drop it there (a ``WorkerThread``'s state is the
/// place). Callbacks run inside ``poll(maxRecords:timeoutMs:onRecords:onEvent:)``, so the owner
/// sees records and rebalances in one order and needs no lock. librdkafka 2.0.2 may lose
/// messages when a batch is read while another thread rebalances or seeks; here nobody can.
///
/// Nothing is committed or reset by itself. The owner says where each partition starts
/// (``assign(_:)``) and what is safe to forget (``commit(_:)``).
package final class KafkaConsumer {
    /// Most records that one call of `poll` can deliver. Each is passed over four times (taken,
    /// described, folded, freed): so many stay in a core's own cache from the first to the last.
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
    ///   - properties: librdkafka's, word for word; see ``fixedProperties`` for the exceptions.
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

    /// What correctness rests on. Cooperative assignment is left out because of known faults in
    /// librdkafka 2.0.2.
    package static let fixedProperties = [
        "enable.auto.commit": "false", "enable.auto.offset.store": "false",
        "auto.offset.reset": "error", "enable.partition.eof": "true",
        "partition.assignment.strategy": "range,roundrobin",
        "allow.auto.create.topics": "false", "isolation.level": "read_committed",
        "check.crcs": "true",
    ]

    /// Used where the properties are silent: a broker that is back is found within 2 s, an idle
    /// partition's end is reported 10 times a second, and a backlog is read without pauses.
    ///
    /// librdkafka 2.0.2 stops fetching for a second when its queue is full, which a rebuild would
    /// meet again and again with the library's 100,000 records: a queue of half a second's fold
    /// costs some 300 MB while there is a backlog, and nothing otherwise.
    private static let defaultProperties = [
        "client.id": "tributary", "reconnect.backoff.max.ms": "2000", "fetch.wait.max.ms": "100",
        "queued.min.messages": "1000000", "queued.max.messages.kbytes": "262144",
    ]

    /// Joins the group for one topic. The group's answer comes as ``KafkaEvent/assigned(_:)``.
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

    /// Delivers what has arrived, or waits for something to arrive.
    ///
    /// Records come in runs of one partition in rising offset order, as large as the batch has
    /// them; buffers are used again, nothing is allocated for a record. All records of a call
    /// that come before a rebalance are delivered before its event.
    ///
    /// Call it at least every `max.poll.interval.ms` (5 minutes by default), else the group
    /// takes the partitions away.
    ///
    /// - Parameters:
    ///   - maxRecords: 1 to ``batchRecordsMax``.
    ///   - timeoutMs: how long to wait when nothing is there; returns as soon as anything is.
    ///   - onRecords: the partition and its records, whose bytes are valid only in this call.
    ///     When it throws, the rest of the batch is gone: assign the partitions again.
    /// - Returns: how many records were delivered.
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
        // The callbacks ran before we returned from `receive`, in the middle of the batch at the
        // latest; librdkafka drops what it had queued for an older assignment, so every record
        // of the batch precedes them.
        while !context.pending.isEmpty { try onEvent(context.pending.removeFirst()) }
        return delivered
    }

    /// Fills `messages`. The batch call waits until the batch is full, so it is never asked to
    /// wait for more than the first message.
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

    /// What an error message in the queue stands for.
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
            // An error of the group's names no topic, and by that no partition, whatever it holds.
            let isGeneral = partition < 0 || message.pointee.rkt == nil
            return isGeneral || error.isFatal
                ? .error(error) : .partitionFailed(partition: partition, error)
        }
    }

    /// Leaves the group and ends librdkafka's threads. Blocks for milliseconds; where the broker is
    /// away and a commit was under way to it, for `closeMsMax` and little more. Calling it again
    /// changes nothing.
    package func close() {
        if isClosed { return }
        isClosed = true
        context.queue = nil
        let hasLeft = leaveGroup()
        rd_kafka_queue_destroy(queue)
        if hasLeft {
            handle.destroy()
        } else {
            logger.warning("the group was not left in time: it will notice by the session's end")
            handle.abandon()
        }
    }

    /// How long the group's coordinator is waited for at the end. Less than a service manager
    /// waits, more than librdkafka's own retries take as a rule.
    package static let closeMsMax: Int32 = 8_000

    private static let closePollMs: Int32 = 100

    /// False where the library does not come to an end. librdkafka up to 2.x may ask for the
    /// group's coordinator for ever when a commit is under way to a broker that is gone (its issue
    /// 3740), and neither `rd_kafka_consumer_close` nor `rd_kafka_destroy` would return.
    private func leaveGroup() -> Bool {
        guard let events = rd_kafka_queue_new(handle.raw) else { return false }
        defer { rd_kafka_queue_destroy(events) }
        if let error = rd_kafka_consumer_close_queue(handle.raw, events) {
            // A consumer in a fatal state takes part in no group; it can be destroyed.
            rd_kafka_error_destroy(error)
            return true
        }
        let deadline = Deadline(afterMs: Self.closeMsMax)
        while rd_kafka_consumer_closed(handle.raw) == 0 {
            guard !deadline.isOver else { return false }
            guard let event = rd_kafka_queue_poll(events, Self.closePollMs) else { continue }
            // From this queue the last rebalance comes as an event, not by the callback.
            if rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE {
                rd_kafka_assign(handle.raw, nil)
            }
            rd_kafka_event_destroy(event)
        }
        return true
    }
}

extension KafkaConsumer {
    /// The partitions the group lets this member read at present.
    package var heldPartitions: Set<Int32> { context.held }

    /// Reads exactly these partitions, each from the offset given; replaces what was read so far.
    ///
    /// May be called again with more or fewer partitions: all start at the offsets given, and
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

    /// Stops delivery of these partitions without giving them up; their position is kept.
    package func pause(_ partitions: [Int32]) throws(KafkaError) {
        let list = PartitionList(topic: topic, partitions: partitions, offset: 0)
        try KafkaError.check(rd_kafka_pause_partitions(handle.raw, list.raw))
        _ = try list.offsets()
    }

    /// Goes on where ``pause(_:)`` stopped.
    package func resume(_ partitions: [Int32]) throws(KafkaError) {
        let list = PartitionList(topic: topic, partitions: partitions, offset: 0)
        try KafkaError.check(rd_kafka_resume_partitions(handle.raw, list.raw))
        _ = try list.offsets()
    }

    /// Sends the group's offsets on their way and returns at once. A failure comes as
    /// ``KafkaEvent/commitFailed(_:_:)``; success is silent.
    ///
    /// - Parameter positions: per partition the next record a new owner would read.
    package func commit(_ positions: [KafkaPosition]) throws(KafkaError) {
        if positions.isEmpty { return }
        if positions.contains(where: { $0.offset < 0 }) { throw Self.negativeOffset }
        let list = PartitionList(topic: topic, positions: positions)
        try KafkaError.check(rd_kafka_commit(handle.raw, list.raw, 1))
    }

    /// What the group has committed; a partition without a committed offset is left out.
    ///
    /// - Parameter other: a topic to ask about without being a member; nil for the one subscribed.
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
    /// A view of a message that stays owned by whoever consumed it.
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
