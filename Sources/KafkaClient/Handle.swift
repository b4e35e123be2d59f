internal import CRdKafka

/// Owns one `rd_kafka_t`. librdkafka's functions may be called on it from any thread at once
/// (INTRODUCTION.md, "Threads and callbacks"); what may not is said by the types that use it.
final class Handle: @unchecked Sendable {
    /// Valid until ``destroy()``.
    let raw: OpaquePointer
    private let context: Unmanaged<HandleContext>
    private var isDestroyed = false

    /// Takes over `configuration`, on every path.
    init(
        _ kind: rd_kafka_type_t, _ configuration: OpaquePointer, _ context: HandleContext
    ) throws(KafkaError) {
        let retained = Unmanaged.passRetained(context)
        rd_kafka_conf_set_opaque(configuration, retained.toOpaque())
        rd_kafka_conf_set_log_cb(configuration, logCallback)
        var text = [CChar](repeating: 0, count: 512)
        guard let raw = rd_kafka_new(kind, configuration, &text, text.count) else {
            rd_kafka_conf_destroy(configuration)
            retained.release()
            let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw KafkaError(
                code: .invalidConfiguration, message: String(decoding: bytes, as: UTF8.self))
        }
        self.raw = raw
        self.context = retained
    }

    deinit { destroy() }

    /// Leaves the library's threads and memory as they are: for one that would never end.
    func abandon() { isDestroyed = true }

    /// Ends librdkafka's threads and waits for them. All queues, topics and messages of the
    /// handle have been given back before; not to be called by two threads at once.
    func destroy() {
        if isDestroyed { return }
        isDestroyed = true
        rd_kafka_destroy(raw)
        context.release()
    }
}

private func logCallback(
    _ handle: OpaquePointer?, _ level: Int32, _ facility: UnsafePointer<CChar>?,
    _ text: UnsafePointer<CChar>?
) {
    guard let handle, let opaque = rd_kafka_opaque(handle), let facility, let text else { return }
    let context = Unmanaged<HandleContext>.fromOpaque(opaque).takeUnretainedValue()
    context.libraryLog.write(
        severity: level, facility: String(cString: facility), detail: String(cString: text))
}
