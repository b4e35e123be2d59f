package import Aggregation
import CivilTime
import DeltaProtocol

/// One partition that the group assigned to this node, until it is revoked.
struct RegionShard {
    enum Stage {
        /// Waiting for answers of the log and the HQs.
        case joining(Joining)
        case folding(FoldingShard)
        /// Waits for an operator; the other shards continue.
        case stopped(ShardJoin.Alarm)
    }

    let partition: Int32
    var stage: Stage

    init(partition: Int32, headquarters: Int) {
        self.partition = partition
        stage = .joining(Joining(headquarters: headquarters))
    }

    var folding: FoldingShard? {
        if case .folding(let shard) = stage { shard } else { nil }
    }

    var joining: Joining? {
        if case .joining(let joining) = stage { joining } else { nil }
    }
}

/// The answers that a joining shard has received.
struct Joining {
    enum Status {
        case unknown
        /// Nil means that the HQ has no such shard.
        case known(ShardStatus?)

        var isKnown: Bool {
            if case .known = self { true } else { false }
        }

        var status: ShardStatus? {
            if case .known(let status) = self { status } else { nil }
        }
    }

    var facts: ShardJoin.LogFacts?
    /// The terms that the facts were requested with.
    var terms: ShardJoin.Terms?
    /// By HQ.
    var statuses: [Status]
    /// The HQ whose values are pending, and since when.
    var seeding: (hq: Int, since: UnixTime)?
    /// HQs whose values were requested.
    var asked: Set<Int> = []
    var beganAt: UnixTime?
    /// The open question for the facts. Only one: a broker must not find a queue of them after an
    /// outage.
    var factsQuestion: Int?
    var factsFailedAt: UnixTime?
    /// True if the facts were requested again after HQ had answered.
    var areFactsNewer = false
    /// When all required answers had arrived.
    var readyAt: UnixTime?

    init(headquarters: Int) {
        statuses = Array(repeating: .unknown, count: headquarters)
    }
}

/// A record requested for comparison.
struct RecordQuestion {
    var number: Int
    var record: Fingerprint
    var purpose: RecordPurpose
    var askedAt: UnixTime
    /// The shard's coverage at that time.
    var coverage: Int64
}

enum RecordPurpose: Equatable {
    /// The last record that this node folded.
    case own
    /// The last one below an HQ's watermark.
    case of(hq: Int)
}

/// A shard's state, and the push state for each HQ. One owner: the node.
package final class FoldingShard {
    package let partition: Int32
    package internal(set) var fold: ShardFold
    /// By HQ, in the order of the configuration.
    package internal(set) var pushes: [ShardPush]
    /// The log's end when the shard joined. Before the coverage reaches it, the shard is not worth
    /// showing.
    let caughtUpAt: Int64
    /// The group's committed offset, as far as it is known: records below it were dead-lettered
    /// before.
    var committed: Int64 = 0
    /// Dead letters that Kafka has not acknowledged, by offset, oldest first.
    var unacknowledgedLetters: [Int64] = []
    /// The least offset whose dead letter Kafka refused permanently.
    var refusedLetter: Int64?
    /// True if the group assigns the shard to this node and `committed` is known since.
    package internal(set) var isAssigned = false
    /// True if the last folded record was found in the log since the group assigned the shard to
    /// this node.
    var isVerified = true
    /// When it was last found there.
    var comparedAt: UnixTime
    var recordQuestion: RecordQuestion?
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
        comparedAt = joinedAt
    }

    var isCaughtUp: Bool { fold.coverage >= caughtUpAt }

    /// The offset below which every HQ has received everything.
    var pushed: Int64 {
        pushes.flatMap { $0.standings(isCaughtUp: isCaughtUp) }.filter { $0 > 0 }.min() ?? .max
    }

    /// Drops missed money that every HQ has received.
    func shortenMissed() {
        fold.shortenMissed(
            between: pushes.flatMap { $0.standings(isCaughtUp: isCaughtUp) })
    }

    /// The offset below which nothing of the shard can be lost any more: every HQ and the
    /// dead-letter topic have received it.
    var acknowledged: Int64 {
        var offset = fold.coverage
        for push in pushes { offset = min(offset, push.watermark) }
        if let letter = unacknowledgedLetters.first { offset = min(offset, letter) }
        if let refusedLetter { offset = min(offset, refusedLetter) }
        return offset
    }
}
