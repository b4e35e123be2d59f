import CivilTime
import Federation
import RegionCore

/// An event at a point in time.
enum WorldEvent {
    /// A producer writes a record.
    case produce
    /// The second logs of regions continue or replace the first ones.
    case moveOn
    /// A process restarts with the newest topology.
    case takeTopology(Upgraded)
    /// A topic gets one more partition.
    case addPartition
    /// A process's turn: poll, then due work.
    case tick(node: Int, incarnation: Int, turn: Int)
    /// A process learns of a rebalance.
    case learnAssignment(node: Int, incarnation: Int)
    /// A node gets its partitions.
    case takeOver(node: Int, incarnation: Int, host: Int)
    /// A delayed event reaches a node.
    case told(node: Int, incarnation: Int, host: Int, RegionEvent)
    /// The broker answers a node's question.
    case broker(node: Int, incarnation: Int, host: Int, World.BrokerQuestion)
    /// A dead letter reaches its topic.
    case letter(node: Int, incarnation: Int, host: Int, World.LetterUnderWay)
    /// A record that HQ requested reaches the log.
    case publish(node: Int, incarnation: Int, host: Int, command: String, record: [UInt8])
    case request(Request)
    case round(RoundTask, CommitRound.Action)
    case reply(Reply)
    case requestTimeout(
        node: Int, incarnation: Int, host: Int, hq: Int, question: Int, request: Int)
    /// An operator stops a process gracefully.
    case stop
    /// A user requests a correction of a region.
    case askCorrection
    /// Money that no log accounts for is written into the store.
    case spoil
    /// Keys vanish from the store: a person deletes them, or Redis evicts them.
    case loseKeys
    case maintenance(headquarters: Int, incarnation: Int)
    case publisherTurn(headquarters: Int, incarnation: Int)
    case fault
    case recover(Recovery)
    /// Faults end.
    case heal
    case finish
}

/// A process that an operator restarts.
enum Upgraded {
    case node(Int)
    case headquarters(Int)
}

/// The end of a fault.
enum Recovery {
    case restart(node: Int)
    case resume(node: Int)
    case link(region: Int, hq: Int)
    case headquarters(Int)
    case store(Int)
    case broker(region: Int)
    case nodeClock(Int)
    case headquartersClock(Int)
    case transaction(shard: Int)
    case brokerClock(shard: Int)
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
    var host: Int
    var region: Int
    /// The index of the HQ that it goes to.
    var hq: Int
    /// The node's number for it.
    var question: Int
    var content: Content
    /// The number of shards in a push.
    var shards = 0
    /// A copy whose answer no process awaits any more.
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

    var request: Request
    var content: Content
}
