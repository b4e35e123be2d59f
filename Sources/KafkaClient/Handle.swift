internal import CRdKafka

/// Owns one `rd_kafka_t`. Any threads may call librdkafka's functions on it concurrently
/// (INTRODUCTION.md, "Threads and callbacks"); the types that use it state the exceptions.
final class Handle: @unchecked Sendable {
    /// Valid until ``destroy()``.
    let raw: OpaquePointer
    private let context: Unmanaged<HandleContext>
    private var isDestroyed = false

    /// Takes ownership of `configuration`, even if it throws.
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

    /// Leaks the library's threads and memory, for a handle that `destroy()` might never end.
    func abandon() { isDestroyed = true }

    /// Ends librdkafka's threads and waits for them. The caller must have released all queues,
    /// topics and messages of the handle. Two threads must not call it at once.
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
