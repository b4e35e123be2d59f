internal import CRdKafka

/// A complete copy of one record, for queries rather than for the hot path.
package struct KafkaStoredRecord: Equatable, Sendable {
    package let position: KafkaPosition
    /// Milliseconds since 1970; nil if the record has none.
    package let timestampMs: Int64?
    package let timestampKind: KafkaTimestampKind
    package let key: [UInt8]?
    /// Nil for a tombstone.
    package let value: [UInt8]?
    package let headers: [KafkaHeader]

    init(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        let record = KafkaRecord(message)
        position = KafkaPosition(partition: message.pointee.partition, offset: record.offset)
        timestampMs = record.timestampKind == .none ? nil : record.timestampMs
        timestampKind = record.timestampKind
        key = record.key.baseAddress == nil ? nil : Array(record.key)
        value = record.isTombstone ? nil : Array(record.value)
        headers = Self.headers(of: message)
    }

    private static func headers(
        of message: UnsafeMutablePointer<rd_kafka_message_t>
    ) -> [KafkaHeader] {
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list
        else { return [] }
        var answer: [KafkaHeader] = []
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while rd_kafka_header_get_all(list, answer.count, &name, &value, &size)
            == RD_KAFKA_RESP_ERR_NO_ERROR, let text = name
        {
            answer.append(
                KafkaHeader(
                    name: String(cString: text),
                    value: Array(UnsafeRawBufferPointer(start: value, count: size))))
        }
        return answer
    }
}
