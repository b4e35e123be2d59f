internal import CRdKafka
import Logging

/// State that the consumer's callbacks write. They run inside the polling thread's own calls
/// (`rd_kafka_consume_batch_queue`, `rd_kafka_consumer_close`), so nothing needs a lock.
final class ConsumerContext: HandleContext, @unchecked Sendable {
    /// Undelivered events, in the order in which librdkafka raised them.
    var pending: [KafkaEvent] = []
    /// The partitions that the group currently lets us read.
    var held: Set<Int32> = []
    /// The consumer's queue, used to end a wait once an event is pending.
    var queue: OpaquePointer?

    func raise(_ event: KafkaEvent) {
        pending.append(event)
        if let queue { rd_kafka_queue_yield(queue) }
    }

    static func from(_ opaque: UnsafeMutableRawPointer?) -> ConsumerContext? {
        guard let opaque else { return nil }
        let context = Unmanaged<HandleContext>.fromOpaque(opaque).takeUnretainedValue()
        return unsafeDowncast(context, to: ConsumerContext.self)
    }
}

/// Installs the callbacks that need a ``ConsumerContext``.
func setConsumerCallbacks(_ configuration: OpaquePointer) {
    rd_kafka_conf_set_rebalance_cb(configuration, rebalanceCallback)
    rd_kafka_conf_set_error_cb(configuration, errorCallback)
    rd_kafka_conf_set_offset_commit_cb(configuration, commitCallback)
}

/// Answers the group at once with an empty assignment, which ends the rebalance without reading
/// anything. The owner knows where to read only after it has examined its state, which may take
/// long; see ``KafkaConsumer/assign(_:)``.
private func rebalanceCallback(
    _ handle: OpaquePointer?, _ code: rd_kafka_resp_err_t,
    _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?,
    _ opaque: UnsafeMutableRawPointer?
) {
    guard let handle, let context = ConsumerContext.from(opaque) else { return }
    let partitions = (list?.entries.map(\.partition) ?? []).sorted()
    if code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
        let nothing = PartitionList(capacity: 0)
        let result = rd_kafka_assign(handle, nothing.raw)
        if result != RD_KAFKA_RESP_ERR_NO_ERROR { context.raise(.error(KafkaError(result))) }
        context.held = Set(partitions)
        context.raise(.assigned(partitions))
        return
    }
    let isLost = rd_kafka_assignment_lost(handle) != 0
    let result = rd_kafka_assign(handle, nil)
    if result != RD_KAFKA_RESP_ERR_NO_ERROR { context.raise(.error(KafkaError(result))) }
    context.held = []
    if code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS {
        context.raise(isLost ? .lost(partitions) : .revoked(partitions))
    } else {
        context.raise(.lost(partitions))
        context.raise(.error(KafkaError(code)))
    }
}

private func errorCallback(
    _ handle: OpaquePointer?, _ code: Int32, _ reason: UnsafePointer<CChar>?,
    _ opaque: UnsafeMutableRawPointer?
) {
    guard let handle, let context = ConsumerContext.from(opaque) else { return }
    let error = KafkaError(
        code: KafkaErrorCode(rawValue: code), message: reason.map { String(cString: $0) })
    context.raise(.error(error.code == .fatal ? KafkaError.fatal(of: handle) ?? error : error))
}

private func commitCallback(
    _ handle: OpaquePointer?, _ code: rd_kafka_resp_err_t,
    _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?,
    _ opaque: UnsafeMutableRawPointer?
) {
    guard let list, let context = ConsumerContext.from(opaque) else { return }
    var failed = list.entries.filter { $0.err != RD_KAFKA_RESP_ERR_NO_ERROR }
    if failed.isEmpty {
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        failed = Array(list.entries)
    }
    let error = failed.first { $0.err != RD_KAFKA_RESP_ERR_NO_ERROR }?.err ?? code
    let positions = failed.map { KafkaPosition(partition: $0.partition, offset: $0.offset) }
    context.raise(.commitFailed(positions, KafkaError(error)))
}
