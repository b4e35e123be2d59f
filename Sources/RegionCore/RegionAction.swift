package import Aggregation
package import CivilTime
package import DeltaProtocol

/// What a node wants done, in order.
package enum RegionAction: Sendable {
    // The consumer group and the log.
    /// Read these partitions, each from its offset, and no others.
    case read([PartitionOffset])
    case askCommitted(question: Int, [Int32])
    /// Commit these offsets to the group.
    case commit([PartitionOffset])
    /// What the log says of a partition, beginning at the first record stamped at or after `from`.
    case askFacts(question: Int, partition: Int32, from: UnixTime)
    case askEnds(question: Int, [Int32])
    /// What the log holds at an offset.
    case askRecord(question: Int, PartitionOffset)

    // HQ, by its place in the configuration.
    case push(hq: Int, question: Int, DeltaRequest)
    /// What HQ has of all shards, or of one partition with its values.
    case askStatuses(hq: Int, question: Int, partition: Int32?)

    // Dead letters.
    case sendLetter(Letter)
    /// Send a letter once more, with `Letter.shortBytes` of its value and the header `truncated`.
    case sendShortLetter(UInt)

    /// Write a record into the node's own log, acknowledged by all in-sync replicas.
    case publish(command: String, partition: Int32, record: [UInt8])

    /// Write a line to the log.
    case note(Note)
    /// The node ends; nothing follows.
    case end(NodeEnd)
}

/// A record on its way to the dead-letter topic.
package struct Letter: Hashable, Sendable {
    /// Bytes of a value that are kept; a producer would refuse a rejected megabyte.
    package static let valueBytes = 64 << 10
    /// Bytes of a value that are kept where the topic refused the letter for its size.
    package static let shortBytes = 1 << 10
    /// Bytes of a key that are kept: no valid id is longer, and a hostile key must not make a
    /// letter too large to be sent.
    package static let keyBytes = 1 << 10

    package var token: UInt
    package var place: PartitionOffset
    package var cause: Diversion.Cause

    package init(token: UInt, place: PartitionOffset, cause: Diversion.Cause) {
        self.token = token
        self.place = place
        self.cause = cause
    }
}

/// A log line: static text plus metadata.
package struct Note: Hashable, Sendable {
    package enum Level: UInt8, Hashable, Sendable {
        case debug
        case info
        case notice
        case warning
        case error
    }

    package var level: Level
    package var text: String
    /// By key.
    package var fields: [String: String]

    package init(_ level: Level, _ text: String, _ fields: [String: String] = [:]) {
        self.level = level
        self.text = text
        self.fields = fields
    }
}

/// Why a node ends.
package enum NodeEnd: Hashable, Sendable {
    /// It was asked to.
    case stopped
    /// The topic has more partitions than the log was declared with.
    case partitions(found: Int)
    /// Records carry their producers' time, whom the settings do not trust.
    case producerStamps
    /// A client failed for good; retrying cannot help.
    case client(ClientProblem)
}
