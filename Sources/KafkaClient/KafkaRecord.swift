/// Who wrote a record's timestamp.
package enum KafkaTimestampKind: UInt8, Sendable {
    /// The record has none.
    case none
    /// The producer (`CreateTime`): as good as the producer's clock.
    case producer
    /// The broker (`LogAppendTime`).
    case broker
}

/// One record as the hot path sees it. `key` and `value` point into librdkafka's own buffer and
/// are valid only inside the call that delivers the record; copy what must live longer.
public struct KafkaRecord {
    package let offset: Int64
    /// Milliseconds since 1970, ``withoutTimestamp`` when the record has none.
    package let timestampMs: Int64
    /// `baseAddress` is nil when the record has no key.
    package let key: UnsafeRawBufferPointer
    /// `baseAddress` is nil for a tombstone and not nil for an empty value.
    public let value: UnsafeRawBufferPointer
    package let timestampKind: KafkaTimestampKind

    /// The `timestampMs` of a record that has no timestamp.
    package static let withoutTimestamp = Int64.min

    /// The record has no value at all, which is not the same as an empty one.
    @inlinable
    package var isTombstone: Bool { value.baseAddress == nil }
}

/// The place of one record, or the place a partition is to be read from.
package struct KafkaPosition: Hashable, Sendable {
    package let partition: Int32
    /// At least 0. As the target of a commit or an assignment: the next record to read.
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
