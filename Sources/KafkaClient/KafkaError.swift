internal import CRdKafka

/// A failure of Kafka or of the connection to it. Its description is safe to print: it holds
/// broker addresses and property names, never the value of a property that may be secret.
package struct KafkaError: Error, Equatable, Sendable, CustomStringConvertible {
    package let code: KafkaErrorCode
    /// One sentence for people.
    package let message: String
    /// The handle that reported it is unusable; create a new one.
    package let isFatal: Bool

    package init(code: KafkaErrorCode, message: String? = nil, isFatal: Bool = false) {
        self.code = code
        self.message = message ?? code.meaning
        self.isFatal = isFatal || code == .fatal
    }

    /// The action that most callers should take.
    package var answer: KafkaAnswer { isFatal ? .stop : code.answer }

    /// The same call may succeed later.
    package var isRetriable: Bool { answer == .retry }

    package var description: String { "\(code): \(message)" }
}

extension KafkaError {
    init(_ code: rd_kafka_resp_err_t) { self.init(code: KafkaErrorCode(code)) }

    /// Throws unless `code` means success.
    static func check(_ code: rd_kafka_resp_err_t) throws(KafkaError) {
        if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(code) }
    }

    /// The error that `_FATAL` refers to on this handle; nil if nothing fatal has happened.
    static func fatal(of handle: OpaquePointer) -> KafkaError? {
        let text = UnsafeMutableBufferPointer<CChar>.allocate(capacity: 512)
        defer { text.deallocate() }
        text.initialize(repeating: 0)
        let code = rd_kafka_fatal_error(handle, text.baseAddress, text.count)
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR, let start = text.baseAddress else { return nil }
        return KafkaError(
            code: KafkaErrorCode(code), message: String(cString: start), isFatal: true)
    }
}
