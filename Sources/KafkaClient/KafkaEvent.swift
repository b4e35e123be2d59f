/// What a consumer tells its owner besides records. Delivered on the polling thread, inside
/// ``KafkaConsumer/poll(maxRecords:timeoutMs:onRecords:onEvent:)``.
package enum KafkaEvent: Equatable, Sendable {
    /// The group gave us these partitions. Nothing of them is read until
    /// ``KafkaConsumer/assign(_:)`` names where to begin.
    case assigned([Int32])
    /// The group takes these partitions back; all records of them before this event are ours.
    case revoked([Int32])
    /// As ``revoked(_:)``, but another member may own them already and commits will fail.
    case lost([Int32])
    /// All there is has been delivered; `offset` is the next one to come. It can be higher than
    /// the last record's offset + 1, because a log may end with records that carry no data.
    case endOfPartition(partition: Int32, offset: Int64)
    /// The broker no longer has `offset`, or not yet. Nothing was reset: the partition stands
    /// still until it is assigned again.
    case offsetOutOfRange(partition: Int32, offset: Int64)
    /// Reading one partition failed; librdkafka goes on trying where the error is retriable.
    case partitionFailed(partition: Int32, KafkaError)
    /// A commit did not succeed. Correctness never rests on it; commit again later.
    case commitFailed([KafkaPosition], KafkaError)
    /// Anything about the client as a whole. After a fatal one the consumer must be made anew.
    case error(KafkaError)
}
