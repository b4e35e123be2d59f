/// What a consumer reports to its owner besides records. Delivered on the polling thread, inside
/// ``KafkaConsumer/poll(maxRecords:timeoutMs:onRecords:onEvent:)``.
package enum KafkaEvent: Equatable, Sendable {
    /// The group assigned these partitions. The consumer reads none of them until
    /// ``KafkaConsumer/assign(_:)`` names the offsets.
    case assigned([Int32])
    /// The group revokes these partitions; all of their records before this event are ours.
    case revoked([Int32])
    /// Like ``revoked(_:)``, but another member may already own them and commits will fail.
    case lost([Int32])
    /// All present records were delivered; `offset` is the next one. It can exceed the last
    /// record's offset + 1, because a log may end with records that carry no data.
    case endOfPartition(partition: Int32, offset: Int64)
    /// The broker does not have `offset`, or not any more. Nothing was reset: the partition pauses
    /// until it is assigned again.
    case offsetOutOfRange(partition: Int32, offset: Int64)
    /// Reading one partition failed; librdkafka retries if the error is retriable.
    case partitionFailed(partition: Int32, KafkaError)
    /// A commit failed. Correctness never depends on it; commit again later.
    case commitFailed([KafkaPosition], KafkaError)
    /// An error of the client as a whole. After a fatal one, create a new consumer.
    case error(KafkaError)
}
