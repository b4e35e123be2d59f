package import Aggregation
import CivilTime
import DeltaProtocol

/// One partition that the group gave to this node, from taking it over to giving it back.
struct RegionShard {
    enum Stage {
        /// Waiting for what the log and HQ say.
        case joining(Joining)
        case folding(FoldingShard)
        /// An operator must look; the other shards go on.
        case stopped(ShardJoin.Alarm)
    }

    let partition: Int32
    var stage = Stage.joining(Joining())

    init(partition: Int32) { self.partition = partition }

    var folding: FoldingShard? {
        if case .folding(let shard) = stage { shard } else { nil }
    }

    var joining: Joining? {
        if case .joining(let joining) = stage { joining } else { nil }
    }
}

/// What a shard that joins has learned.
struct Joining {
    enum Status {
        case unknown
        /// An HQ answered, of this place; nil means that it has nothing of the shard.
        case known(ShardStatus?, from: Int)
    }

    var facts: ShardJoin.LogFacts?
    var status = Status.unknown
    /// The question for the facts that is open. One at a time: a broker that does not answer must
    /// not find a queue of them when it is back.
    var factsQuestion: Int?
    var factsFailedAt: UnixTime?
    /// Whether the facts were asked for again after HQ had answered.
    var areFactsNewer = false
    /// Since when both are known.
    var readyAt: UnixTime?
    /// Whether HQ's values are needed, so that its watermark alone will not do.
    var needsValues = false

    var isUnknown: Bool {
        if case .unknown = status { true } else { false }
    }

    /// Whether the log and HQ have both answered.
    var isReady: Bool { facts != nil && !isUnknown }
}

/// A shard's state and, for each HQ, what it was sent. One owner: the node.
package final class FoldingShard {
    package let partition: Int32
    package internal(set) var fold: ShardFold
    /// By HQ, in the order of the configuration.
    package internal(set) var pushes: [ShardPush]
    /// The log's end when the shard joined: until then there is nothing worth showing.
    let caughtUpAt: Int64
    /// The group's committed offset, as far as it is known: records below it have been
    /// dead-lettered before.
    var committed: Int64 = 0
    /// Dead letters that Kafka has not acknowledged, by offset, oldest first.
    var unacknowledgedLetters: [Int64] = []
    /// The least offset whose dead letter Kafka refused for good.
    var refusedLetter: Int64?
    /// Whether the group gives the shard to this node and `committed` was learned since.
    package internal(set) var isAssigned = false
    /// When the shard began to fold.
    var joinedAt: UnixTime

    init(
        partition: Int32, fold: consuming ShardFold, pushes: [ShardPush], caughtUpAt: Int64,
        joinedAt: UnixTime
    ) {
        self.partition = partition
        self.fold = fold
        self.pushes = pushes
        self.caughtUpAt = caughtUpAt
        self.joinedAt = joinedAt
    }

    var isCaughtUp: Bool { fold.coverage >= caughtUpAt }

    /// The offset up to which nothing of the shard can be lost any more: every HQ and the
    /// dead-letter topic have what lies below.
    var acknowledged: Int64 {
        var offset = fold.coverage
        for push in pushes { offset = min(offset, push.watermark) }
        if let letter = unacknowledgedLetters.first { offset = min(offset, letter) }
        if let refusedLetter { offset = min(offset, refusedLetter) }
        return offset
    }
}
