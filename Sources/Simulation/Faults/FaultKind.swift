/// A fault that the world injects at a time of its own choosing. What happens to single messages
/// (loss, duplication, truncation) is a rate of the network instead.
enum FaultKind: Int, CaseIterable, Sendable {
    /// A node loses its state and comes back later.
    case crashNode
    /// A node stands still, is replaced, and goes on later as if nothing had happened.
    case pauseNode
    case rebalance
    /// One or both directions between a region and HQ.
    case cutLink
    case crashHeadquarters
    /// HQ dies between the store's commit and its answer.
    case crashAfterApply
    /// The store fails over to a replica that lacks the last commits.
    case rollBackStore
    case wipeStore
    /// A commit script fails somewhere in the middle and is not rolled back.
    case failScript
    /// A commit's outcome stays unknown to HQ.
    case loseScriptReply
    case storeOutage
    case brokerOutage
    /// Kafka's retention removes the beginning of a partition.
    case trimLog
    case jumpNodeClock
    case jumpHeadquartersClock
    /// Everything but the producers stands still for hours.
    case sleep
    /// A region's settings reach a new generation, node by node.
    case upgradeRegion
    /// The owner of a shard stands still while the log's beginning and HQ's data are lost.
    case loseHistory
    /// Somebody writes money of no log into a shard, and an operator has it refilled.
    case strayMoney
    /// A topic is deleted and made again under the same log id, or its tail is rewritten, and it is
    /// filled with other records, as many or more, while the region's nodes are down or wait to be
    /// given their partitions again. Its shard must stop, with an alarm, and HQ's values stay.
    case recreateLog
    /// A node starts again on a machine whose clock is hours or days wrong.
    case startWithWrongClock
    /// A transaction neither commits nor aborts: readers see nothing behind it.
    case hangTransaction
    /// The broker that leads a partition stamps with a clock that is ten minutes behind.
    case slowBrokerClock
    /// All nodes of a region are down for a day.
    case groupDown

    /// After these HQ may no longer know what stood at its watermark: another log would be as good
    /// as the first one.
    static let forgetful: [FaultKind] = [
        .rollBackStore, .wipeStore, .failScript, .trimLog, .sleep, .loseHistory, .strayMoney,
        .groupDown, .hangTransaction,
    ]
}
