package import Aggregation
package import CivilTime
package import DeltaProtocol

/// An action that a node requests. Perform them in order.
package enum RegionAction: Sendable {
    // The consumer group and the log.
    /// Read exactly these partitions, each from its offset.
    case read([PartitionOffset])
    case askCommitted(question: Int, [Int32])
    /// Commit these offsets to the group.
    case commit([PartitionOffset])
    /// Query the log's facts about a partition, starting at the first record stamped at or after
    /// `from`.
    case askFacts(question: Int, partition: Int32, from: UnixTime)
    case askEnds(question: Int, [Int32])
    /// Query the log for the record at an offset.
    case askRecord(question: Int, PartitionOffset)

    // HQ, by its index in the configuration.
    case push(hq: Int, question: Int, DeltaRequest)
    /// Query HQ's state of all shards, or of one partition with its values.
    case askStatuses(hq: Int, question: Int, partition: Int32?)

    // Dead letters.
    case sendLetter(Letter)
    /// Send a letter again, with `Letter.shortBytes` of its value and the header `truncated`.
    case sendShortLetter(UInt)

    /// Write a record into the node's own log, acknowledged by all in-sync replicas.
    case publish(command: String, partition: Int32, record: [UInt8])

    /// Write a line to the log.
    case note(Note)
    /// The node has ended; no further actions follow.
    case end(NodeEnd)
}

/// A record on its way to the dead-letter topic.
package struct Letter: Hashable, Sendable {
    /// Bytes of a value that are kept; a producer would refuse a rejected megabyte.
    package static let valueBytes = 64 << 10
    /// Bytes of a value that are kept if the topic refused the letter for its size.
    package static let shortBytes = 1 << 10
    /// Bytes of a key that are kept: no valid id is longer, and a hostile key must not make a
    /// letter too large to send.
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

/// Why a node ended.
package enum NodeEnd: Hashable, Sendable {
    /// It was told to stop.
    case stopped
    /// The topic has more partitions than the log was declared with.
    case partitions(found: Int)
    /// Records carry their producers' timestamps, which the settings do not trust.
    case producerStamps
    /// A client failed permanently; retrying cannot help.
    case client(ClientProblem)
}
