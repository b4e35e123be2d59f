internal import CRdKafka
package import Logging
import Platform
import Synchronization

/// A producer that acknowledges a record only once every in-sync replica has it.
///
/// May be used from any thread; only ``flush(timeoutMs:)``, ``waitForSpace(timeoutMs:)`` and
/// ``close()`` block. A dedicated thread serves delivery reports.
package final class KafkaProducer: Sendable {
    /// The values that correctness depends on: no acknowledged record is lost, and a key goes to
    /// the same partition as with Java producers and Debezium (librdkafka's default differs).
    package static let fixedProperties = ["acks": "all", "partitioner": "murmur2_random"]

    /// Used for properties that the user does not set. Long batches compress well: transfers shrink
    /// to a quarter. Idempotence keeps librdkafka's own retries from repeating or reordering
    /// records.
    private static let defaultProperties = [
        "client.id": "tributary", "reconnect.backoff.max.ms": "2000",
        "enable.idempotence": "true", "compression.codec": "zstd", "linger.ms": "20",
        "batch.num.messages": "10000", "batch.size": "1000000",
    ]

    /// The length of one wait of the report thread, and so the extra time that ``close()`` can
    /// take.
    private static let reportWaitMs: Int32 = 50

    private let handle: Handle
    private let context: ProducerContext
    private let reporter: WorkerThread<Handle>
    private let topics = Mutex<[String: KafkaTopic]>([:])
    private let isClosed = Atomic(false)

    /// - Parameters:
    ///   - properties: librdkafka's, passed through unchanged except for ``fixedProperties``.
    ///   - onDelivery: called once for each accepted record, on the producer's own thread, which
    ///     it must not block.
    /// - Throws: ``KafkaErrorCode/invalidConfiguration``. No broker is contacted yet.
    package init(
        properties: [String: String], logger: Logger,
        onDelivery: (@Sendable (KafkaDelivery) -> Void)? = nil
    ) throws {
        let configuration = try HandleConfiguration(
            properties: properties, defaults: Self.defaultProperties,
            fixed: Self.fixedProperties, forbidden: ["transactional.id"],
            others: OneSidedProperties.consumer
        ).build()
        let context = ProducerContext(logger: logger, onDelivery: onDelivery)
        setProducerCallbacks(configuration)
        let handle = try Handle(RD_KAFKA_PRODUCER, configuration, context)
        self.handle = handle
        self.context = context
        reporter = try WorkerThread(name: "kafka-reports") {
            handle
        } whenIdle: {
            rd_kafka_poll($0.raw, Self.reportWaitMs)
        }
    }

    deinit { close() }

    /// The topic to produce to; cached, so that a record needs no look-up by name.
    package func topic(_ name: String) throws(KafkaError) -> KafkaTopic {
        try topics.withLock { topics throws(KafkaError) in
            if isClosed.load(ordering: .acquiring) { throw Self.closedError }
            if let known = topics[name] { return known }
            guard let raw = rd_kafka_topic_new(handle.raw, name, nil) else {
                throw KafkaError(rd_kafka_last_error())
            }
            let topic = KafkaTopic(raw: raw)
            topics[name] = topic
            return topic
        }
    }

    /// Queues one record; copies its bytes before returning.
    ///
    /// - Parameters:
    ///   - partition: nil chooses by the key's murmur2 hash, or at random without a key.
    ///   - value: nil produces a tombstone.
    ///   - timestampMs: since 1970, above 0; nil for the present time.
    ///   - token: returned in the delivery report, otherwise unused.
    /// - Throws: ``KafkaErrorCode/queueFull`` (wait for space, then retry),
    ///   ``KafkaErrorCode/messageTooLarge`` (over `message.max.bytes`), or another error. A
    ///   refused record gets no report.
    package func produce(
        to topic: KafkaTopic, partition: Int32? = nil, key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?, timestampMs: Int64? = nil, headers: [KafkaHeader] = [],
        token: UInt = 0
    ) throws(KafkaError) {
        if let timestampMs, timestampMs <= 0 {
            throw KafkaError(code: .invalidArgument, message: "kafka timestamp is not after 1970")
        }
        if isClosed.load(ordering: .acquiring) { throw Self.closedError }
        let list = headers.isEmpty ? nil : Self.headerList(headers)
        let code = tributary_produce(
            handle.raw, topic.raw, partition ?? RD_KAFKA_PARTITION_UA,
            key?.start, key?.count ?? 0, value?.start, value?.count ?? 0, timestampMs ?? 0, list,
            UnsafeMutableRawPointer(bitPattern: token))
        if code != RD_KAFKA_RESP_ERR_NO_ERROR {
            if let list { rd_kafka_headers_destroy(list) }
            throw code == RD_KAFKA_RESP_ERR__FATAL
                ? KafkaError.fatal(of: handle.raw) ?? KafkaError(code) : KafkaError(code)
        }
    }

    /// Like the form with buffers, for callers that hold arrays.
    package func produce(
        to topic: KafkaTopic, partition: Int32? = nil, key: [UInt8]?, value: [UInt8]?,
        timestampMs: Int64? = nil, headers: [KafkaHeader] = [], token: UInt = 0
    ) throws(KafkaError) {
        try withBytes(of: key) { key throws(KafkaError) in
            try withBytes(of: value) { value throws(KafkaError) in
                try produce(
                    to: topic, partition: partition, key: key, value: value,
                    timestampMs: timestampMs, headers: headers, token: token)
            }
        }
    }

    private static var closedError: KafkaError {
        KafkaError(
            code: KafkaErrorCode(RD_KAFKA_RESP_ERR__DESTROY), message: "kafka producer is closed")
    }

    private static func headerList(_ headers: [KafkaHeader]) -> OpaquePointer? {
        let list = rd_kafka_headers_new(headers.count)
        for header in headers {
            _ = header.value.withUnsafeBytes {
                rd_kafka_header_add(list, header.name, -1, $0.start, $0.count)
            }
        }
        return list
    }
}

// MARK: - Waiting and ending

extension KafkaProducer {
    /// Records that are queued, in flight, or acknowledged but not yet reported.
    package var outstanding: Int { Int(rd_kafka_outq_len(handle.raw)) }

    /// Records acknowledged so far.
    package var delivered: Int { context.delivered.load(ordering: .acquiring) }

    /// Records abandoned so far; each was reported with its error.
    package var failed: Int { context.failed.load(ordering: .acquiring) }

    /// The error that makes this producer unusable: close it and create a new one.
    package var fatalError: KafkaError? { KafkaError.fatal(of: handle.raw) }

    /// Blocks until every accepted record is reported or the time is up.
    ///
    /// - Returns: true if nothing is outstanding.
    package func flush(timeoutMs: Int32) -> Bool {
        let deadline = Deadline(afterMs: timeoutMs)
        while outstanding > 0 {
            guard !deadline.hasPassed else { return false }
            pauseThread(milliseconds: 1)
        }
        return true
    }

    /// Like ``flush(timeoutMs:)``, from a task: waits without blocking its thread.
    package func flushed(within timeout: Duration) async throws -> Bool {
        let deadline = ContinuousClock.now + timeout
        while outstanding > 0 {
            guard ContinuousClock.now < deadline else { return false }
            try await Task.sleep(for: .milliseconds(2))
        }
        return true
    }

    /// Blocks until fewer than `limit` records are outstanding. Call it after
    /// ``KafkaErrorCode/queueFull`` (the queue's own limit is `queue.buffering.max.messages`).
    ///
    /// - Returns: false if the time was up first.
    package func waitForSpace(
        below limit: Int = KafkaProducer.comfortableRecords, timeoutMs: Int32
    ) -> Bool {
        let deadline = Deadline(afterMs: timeoutMs)
        while outstanding >= limit {
            guard !deadline.hasPassed else { return false }
            pauseThread(milliseconds: 1)
        }
        return true
    }

    /// Half of librdkafka's default queue, so that waiting here does not let the producer run dry.
    package static var comfortableRecords: Int { 50_000 }

    /// Ends the producer and its threads and abandons outstanding records, so flush first. Blocks
    /// for about 50 ms. No other call may run or follow.
    package func close() {
        if isClosed.exchange(true, ordering: .acquiringAndReleasing) { return }
        reporter.stopAndJoin()
        topics.withLock { topics in
            for topic in topics.values { rd_kafka_topic_destroy(topic.raw) }
            topics = [:]
        }
        rd_kafka_purge(handle.raw, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
        // Serve the reports of the purged records.
        rd_kafka_poll(handle.raw, 0)
        handle.destroy()
    }
}

/// A topic to produce to. Valid only for the producer that created it, until that is closed.
package struct KafkaTopic: Sendable {
    /// librdkafka's topic object, owned by the producer; may be used from any thread.
    nonisolated(unsafe) let raw: OpaquePointer
}

/// An address for empty values: librdkafka interprets a null pointer as no value at all.
private nonisolated(unsafe) let emptyBytes = UnsafeMutableRawPointer.allocate(
    byteCount: 1, alignment: 1)

extension UnsafeRawBufferPointer {
    fileprivate var start: UnsafeRawPointer { baseAddress ?? UnsafeRawPointer(emptyBytes) }
}

/// Passes an optional array's bytes; nil stays nil.
private func withBytes(
    of array: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws(KafkaError) -> Void
) throws(KafkaError) {
    guard let array else { return try body(nil) }
    let problem: KafkaError? = array.withUnsafeBytes { bytes in
        do throws(KafkaError) {
            try body(bytes)
            return nil
        } catch {
            return error
        }
    }
    if let problem { throw problem }
}
