internal import CRdKafka
import Logging
import Synchronization

/// The delivery report of one record.
package struct KafkaDelivery: Equatable, Sendable {
    /// The token passed to `produce`.
    package let token: UInt
    package let partition: Int32
    /// Its offset in the log; nil if it was not acknowledged.
    package let offset: Int64?
    /// Nil if it was acknowledged. After ``KafkaErrorCode/messageTimedOut`` the record may still be
    /// in the log.
    package let error: KafkaError?
}

/// State that the producer's callbacks write, on the thread that serves reports.
final class ProducerContext: HandleContext, @unchecked Sendable {
    let delivered = Atomic(0)
    let failed = Atomic(0)
    let onDelivery: (@Sendable (KafkaDelivery) -> Void)?

    init(logger: Logger, onDelivery: (@Sendable (KafkaDelivery) -> Void)?) {
        self.onDelivery = onDelivery
        super.init(logger: logger)
    }
}

/// Installs the callbacks that need a ``ProducerContext``.
func setProducerCallbacks(_ configuration: OpaquePointer) {
    rd_kafka_conf_set_dr_msg_cb(configuration, deliveryCallback)
}

private func deliveryCallback(
    _ handle: OpaquePointer?, _ message: UnsafePointer<rd_kafka_message_t>?,
    _ opaque: UnsafeMutableRawPointer?
) {
    guard let message, let opaque else { return }
    let base = Unmanaged<HandleContext>.fromOpaque(opaque).takeUnretainedValue()
    let context = unsafeDowncast(base, to: ProducerContext.self)
    let isDelivered = message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR
    if isDelivered {
        context.delivered.add(1, ordering: .releasing)
    } else {
        context.failed.add(1, ordering: .releasing)
    }
    guard let onDelivery = context.onDelivery else { return }
    onDelivery(
        KafkaDelivery(
            token: UInt(bitPattern: message.pointee._private),
            partition: message.pointee.partition,
            offset: isDelivered ? message.pointee.offset : nil,
            error: isDelivered ? nil : KafkaError(message.pointee.err)))
}
