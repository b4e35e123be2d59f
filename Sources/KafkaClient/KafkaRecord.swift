/// The origin of a record's timestamp.
package enum KafkaTimestampKind: UInt8, Sendable {
    /// The record has none.
    case none
    /// The producer (`CreateTime`): as accurate as the producer's clock.
    case producer
    /// The broker (`LogAppendTime`).
    case broker
}

/// One record on the hot path. `key` and `value` point into librdkafka's own buffer and are valid
/// only during the call that delivers the record; copy them to keep them.
public struct KafkaRecord {
    package let offset: Int64
    /// Milliseconds since 1970, or ``withoutTimestamp`` if the record has none.
    package let timestampMs: Int64
    /// `baseAddress` is nil if the record has no key.
    package let key: UnsafeRawBufferPointer
    /// `baseAddress` is nil for a tombstone and not nil for an empty value.
    public let value: UnsafeRawBufferPointer
    package let timestampKind: KafkaTimestampKind

    /// The `timestampMs` of a record that has no timestamp.
    package static let withoutTimestamp = Int64.min

    /// True if the record has no value; an empty value is a value.
    @inlinable
    package var isTombstone: Bool { value.baseAddress == nil }
}

/// The position of one record, or the position to read a partition from.
package struct KafkaPosition: Hashable, Sendable {
    package let partition: Int32
    /// At least 0. In a commit or an assignment: the next record to read.
    package let offset: Int64

    package init(partition: Int32, offset: Int64) {
        self.partition = partition
        self.offset = offset
    }
}

/// One header of a record. Kafka allows a name to repeat.
package struct KafkaHeader: Hashable, Sendable {
    package let name: String
    package let value: [UInt8]

    package init(name: String, value: [UInt8]) {
        self.name = name
        self.value = value
    }
}
