package import Aggregation
package import DeltaProtocol

/// Every input of a node except records. Each comes with the present time.
///
/// Questions are numbered, and each answer carries its question's number. An answer to a question
/// that is no longer open has no effect. The driver gives each question exactly one answer.
package enum RegionEvent: Sendable {
    /// Time has passed. The node does due work only in turns.
    case turn
    /// How far the machine's clock, which an operator may set, is ahead of the node's, in
    /// milliseconds.
    case wallClock(ahead: Int64)

    // The consumer group.
    /// The group assigns exactly these partitions to the node.
    case assigned([Int32])
    /// The group revokes all partitions.
    case revoked
    /// The group's committed offsets, without partitions that have none.
    case committed(question: Int, [Int32: Int64])
    case committedUnknown(question: Int, problem: String)
    /// These offsets were not committed.
    case commitFailed([PartitionOffset], problem: String)

    // The log.
    /// Every record below `offset` has been delivered.
    case endOfPartition(PartitionOffset)
    /// The broker does not have the offset that the node is reading from.
    case offsetOutOfRange(PartitionOffset)
    /// - isProducerStamped: true if the last record carries its producer's timestamp.
    case facts(question: Int, ShardJoin.LogFacts, isProducerStamped: Bool)
    case factsUnknown(question: Int, problem: String)
    /// The partitions' ends when the question was asked.
    case ends(question: Int, [Int32: Int64])
    case endsUnknown(question: Int)
    /// The log's facts about an offset.
    case record(question: Int, RecordFacts)
    case recordUnknown(question: Int, problem: String)

    /// Reading one partition failed; the client retries.
    case partitionFailed(partition: Int32, problem: String)
    /// An error of the client as a whole.
    case clientFailed(ClientProblem)

    // HQ, by its index in the configuration.
    /// HQ's reply to a push or a part of it; `isLast` if no further part follows.
    case reply(hq: Int, question: Int, DeltaReply, isLast: Bool)
    case statuses(hq: Int, question: Int, ShardStatuses)
    /// HQ gave no usable answer to the question, or to the rest of a push.
    case noAnswer(hq: Int, question: Int, NoAnswer)

    // Dead letters, by token.
    case letterAcknowledged(UInt)
    /// Kafka refuses the letter permanently.
    case letterRefused(UInt, isTooLarge: Bool, problem: String)

    // Commands, by id.
    case published(command: String, PartitionOffset)
    case publishingFailed(command: String, problem: String)

    /// Push and commit the rest, then end.
    case stop
}

/// The log's facts about one offset.
package struct RecordFacts: Hashable, Sendable {
    /// The first offset that the partition still holds, and one past the last.
    package var low: Int64
    package var high: Int64
    /// Nil if there is no record at the offset.
    package var record: Fingerprint?

    package init(low: Int64, high: Int64, record: Fingerprint?) {
        self.low = low
        self.high = high
        self.record = record
    }
}

/// An error that a Kafka client reports about itself.
package struct ClientProblem: Hashable, Sendable {
    /// librdkafka's error code, which identifies the kind of error.
    package var code: Int32
    package var text: String
    /// True if the client is unusable.
    package var isFatal: Bool
    /// True if an operator revoked an access right.
    package var isAuthorization: Bool

    package init(code: Int32, text: String, isFatal: Bool, isAuthorization: Bool) {
        self.code = code
        self.text = text
        self.isFatal = isFatal
        self.isAuthorization = isAuthorization
    }
}

/// A position in the node's log: of the next record to read, or of a certain record.
package struct PartitionOffset: Hashable, Sendable {
    package var partition: Int32
    package var offset: Int64

    package init(partition: Int32, offset: Int64) {
        self.partition = partition
        self.offset = offset
    }
}

/// Why HQ did not answer.
package enum NoAnswer: Hashable, Sendable {
    /// It is unknown whether HQ acted. `retryAfter` is HQ's requested pause.
    case unknown(problem: String, retryAfter: Duration?)
    /// HQ refused and will do so until an operator changes something.
    case refused(problem: String)
}
