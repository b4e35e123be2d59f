/// A fault that the world injects at a random time. Faults of single messages (loss, duplication,
/// truncation) are rates of the network instead.
enum FaultKind: Int, CaseIterable, Sendable {
    /// A node loses its state and comes back later.
    case crashNode
    /// A node freezes, is replaced, and later continues as if nothing had happened.
    case pauseNode
    case rebalance
    /// Cuts one or both directions between a region and HQ.
    case cutLink
    case crashHeadquarters
    /// HQ dies between the store's commit and its reply.
    case crashAfterApply
    /// The store fails over to a replica that lacks the last commits.
    case rollBackStore
    case wipeStore
    /// A commit script fails midway and is not rolled back.
    case failScript
    /// A commit's outcome stays unknown to HQ.
    case loseScriptReply
    case storeOutage
    case brokerOutage
    /// Kafka's retention removes the beginning of a partition.
    case trimLog
    case jumpNodeClock
    case jumpHeadquartersClock
    /// Everything except the producers is frozen for hours.
    case sleep
    /// A region's settings reach a new generation, node by node.
    case upgradeRegion
    /// The owner of a shard is frozen while the log's beginning and HQ's data are lost.
    case loseHistory
    /// Money of no log is written into a shard, and an operator has it refilled.
    case strayMoney
    /// A topic is deleted and recreated under the same log id, or its tail is rewritten, and it is
    /// filled with at least as many other records, while the region's nodes are down or wait for
    /// their partitions. Its shard must stop with an alarm, and HQ's values must stay.
    case recreateLog
    /// A node restarts on a machine whose clock is hours or days off.
    case startWithWrongClock
    /// A transaction neither commits nor aborts: readers see nothing behind it.
    case hangTransaction
    /// The broker that leads a partition stamps with a clock that is ten minutes behind.
    case slowBrokerClock
    /// All nodes of a region are down for a day.
    case groupDown

    /// After these faults HQ may no longer know the record at its watermark, and could not
    /// distinguish another log from the first one.
    static let forgetful: [FaultKind] = [
        .rollBackStore, .wipeStore, .failScript, .trimLog, .sleep, .loseHistory, .strayMoney,
        .groupDown, .hangTransaction,
    ]
}
