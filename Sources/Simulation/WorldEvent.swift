import CivilTime

/// Something that happens at a time.
enum WorldEvent {
    /// A producer writes a record.
    case produce
    /// A node's turn: poll, ask, push.
    case tick(node: Int, incarnation: Int, turn: Int)
    /// A node learns which partitions it has.
    case learnAssignment(node: Int, incarnation: Int)
    /// The broker's answer to a question for a partition's end.
    case endAnswer(node: Int, incarnation: Int, shard: Int, end: Int64, askedAt: UnixTime)
    case request(Request)
    case ingest(IngestTask)
    case reply(Reply)
    case requestTimeout(node: Int, incarnation: Int, request: Int)
    case maintenance(headquarters: Int, incarnation: Int)
    case publish(headquarters: Int, incarnation: Int)
    case fault
    case recover(Recovery)
    /// Faults are over.
    case heal
    case finish
}

/// The end of a fault.
enum Recovery {
    case restart(node: Int)
    case resume(node: Int)
    case link(region: Int)
    case headquarters(Int)
    case store
    case broker(region: Int)
    case nodeClock(Int)
    case headquartersClock(Int)
}

/// A node's request on its way to HQ.
struct Request {
    enum Content {
        case deltas([UInt8])
        case statuses(partition: Int32?, withValues: Bool)
    }

    var number: Int
    var node: Int
    var incarnation: Int
    var region: Int
    var content: Content
    /// A copy that nobody waits for any more.
    var isCopy = false
}

/// HQ's answer on its way back.
struct Reply {
    enum Content {
        case deltas([UInt8])
        case statuses([UInt8])
        /// An error status, or a connection that was refused or reset.
        case failure
    }

    var request: Int
    var node: Int
    var incarnation: Int
    var content: Content
}
