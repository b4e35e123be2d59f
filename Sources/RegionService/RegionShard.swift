import Aggregation
import CivilTime
import DeltaProtocol
import KafkaClient

/// One partition that the group gave to this node, from taking it over to giving it back.
final class RegionShard {
    enum Stage {
        /// Waiting for what the log and HQ say.
        case joining
        case folding(FoldingShard)
        /// An operator must look; the other shards go on.
        case stopped(ShardJoin.Alarm)
    }

    let partition: Int32
    var stage = Stage.joining
    /// While joining: what was learned.
    var facts: ShardJoin.LogFacts?
    var status: Learned = .unknown
    /// When the question for the facts that is under way was asked. One at a time: a broker that
    /// does not answer must not find a queue of them when it is back.
    var askedFactsAt: UnixTime?
    var factsFailedAt: UnixTime?
    /// Whether the facts were asked for anew after HQ had answered.
    var areFactsNewer = false
    /// Since when both are known.
    var readyAt: UnixTime?
    /// Whether HQ's values are needed, so that its watermark alone will not do.
    var needsValues = false

    enum Learned {
        case unknown
        /// An HQ answered, of this index; nil means that it has nothing of the shard.
        case known(ShardStatus?, from: Int)
    }

    init(partition: Int32) { self.partition = partition }

    var folding: FoldingShard? {
        if case .folding(let shard) = stage { shard } else { nil }
    }

    /// Whether the log and HQ have both answered.
    var isReady: Bool {
        if case .known = status { facts != nil } else { false }
    }

    /// Forgets what was learned and begins to join anew.
    func rejoin() {
        stage = .joining
        facts = nil
        askedFactsAt = nil
        areFactsNewer = false
        readyAt = nil
        status = .unknown
        needsValues = false
    }
}

/// A shard's state and, for each HQ, what it was told.
final class FoldingShard {
    let partition: Int32
    var fold: ShardFold
    /// By HQ, in the order of the configuration.
    var pushes: [ShardPush]
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
    var isAssigned = false
    /// When the shard began to fold.
    var joinedAt = WallClock.now()

    init(
        partition: Int32, fold: consuming ShardFold, pushes: [ShardPush], caughtUpAt: Int64
    ) {
        self.partition = partition
        self.fold = fold
        self.pushes = pushes
        self.caughtUpAt = caughtUpAt
    }

    var isCaughtUp: Bool { fold.coverage >= caughtUpAt }

    /// The offset up to which nothing of the shard can be lost any more.
    var acknowledged: Int64 {
        var offset = fold.coverage
        for push in pushes { offset = min(offset, push.watermark) }
        if let letter = unacknowledgedLetters.first { offset = min(offset, letter) }
        if let refusedLetter { offset = min(offset, refusedLetter) }
        return offset
    }
}
