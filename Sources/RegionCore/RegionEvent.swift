package import Aggregation
package import DeltaProtocol

/// Every input of a node except records. Each comes with the present time.
///
/// Questions carry a number; an answer names the one that it answers, and one that is no longer
/// open changes nothing. Whoever performs the actions gives each question exactly one answer.
package enum RegionEvent: Sendable {
    /// Time has passed. Due work is done in turns only.
    case turn
    /// How far the machine's clock, which somebody may set, is ahead of the node's, in
    /// milliseconds.
    case wallClock(ahead: Int64)

    // The consumer group.
    /// The group gives the node these partitions, and no others.
    case assigned([Int32])
    /// The group takes all partitions back.
    case revoked
    /// How far the group has committed; a partition without a committed offset is left out.
    case committed(question: Int, [Int32: Int64])
    case committedUnknown(question: Int, problem: String)
    /// These offsets were not committed.
    case commitFailed([PartitionOffset], problem: String)

    // The log.
    /// Every record below `offset` has been delivered.
    case endOfPartition(PartitionOffset)
    /// The broker does not have the offset that the partition is read from.
    case offsetOutOfRange(PartitionOffset)
    /// - isProducerStamped: whether the last record carries its producer's time.
    case facts(question: Int, ShardJoin.LogFacts, isProducerStamped: Bool)
    case factsUnknown(question: Int, problem: String)
    /// Where partitions ended when the question was asked.
    case ends(question: Int, [Int32: Int64])
    case endsUnknown(question: Int)
    /// What the log holds at an offset.
    case record(question: Int, RecordFacts)
    case recordUnknown(question: Int, problem: String)

    /// Reading one partition failed; the client goes on trying.
    case partitionFailed(partition: Int32, problem: String)
    /// Something is wrong with the client as a whole.
    case clientFailed(ClientProblem)

    // HQ, by its place in the configuration.
    /// What HQ says to a push, or to a part of it; `isLast` where no more of it is on its way.
    case reply(hq: Int, question: Int, DeltaReply, isLast: Bool)
    case statuses(hq: Int, question: Int, ShardStatuses)
    /// HQ gave no usable answer to the question, or to the rest of a push.
    case noAnswer(hq: Int, question: Int, NoAnswer)

    // Dead letters, by token.
    case letterAcknowledged(UInt)
    /// Kafka refuses the letter for good.
    case letterRefused(UInt, isTooLarge: Bool, problem: String)

    // Commands, by id.
    case published(command: String, PartitionOffset)
    case publishingFailed(command: String, problem: String)

    /// Push and commit the rest, then end.
    case stop
}

/// What the log says of one offset.
package struct RecordFacts: Hashable, Sendable {
    /// The first offset that the partition still holds, and one past the last.
    package var low: Int64
    package var high: Int64
    /// Nil where there is no record at the offset.
    package var record: Fingerprint?

    package init(low: Int64, high: Int64, record: Fingerprint?) {
        self.low = low
        self.high = high
        self.record = record
    }
}

/// What a Kafka client says of itself.
package struct ClientProblem: Hashable, Sendable {
    /// librdkafka's error code: tells one kind of trouble from another.
    package var code: Int32
    package var text: String
    /// Whether the client can do nothing more.
    package var isFatal: Bool
    /// Whether an operator took a right away.
    package var isAuthorization: Bool

    package init(code: Int32, text: String, isFatal: Bool, isAuthorization: Bool) {
        self.code = code
        self.text = text
        self.isFatal = isFatal
        self.isAuthorization = isAuthorization
    }
}

/// A place in the node's log: of the next record to read, or of the record meant.
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
    /// Whether HQ acted is unknown. `retryAfter` is how long it asks to be left alone.
    case unknown(problem: String, retryAfter: Duration?)
    /// HQ said no, and will again until somebody changes something.
    case refused(problem: String)
}
