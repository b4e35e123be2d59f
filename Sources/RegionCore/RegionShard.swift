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

/// What a shard that joins has learned.
struct Joining {
    enum Status {
        case unknown
        /// Nil means that the HQ has nothing of the shard.
        case known(ShardStatus?)

        var isKnown: Bool {
            if case .known = self { true } else { false }
        }

        var status: ShardStatus? {
            if case .known(let status) = self { status } else { nil }
        }
    }

    var facts: ShardJoin.LogFacts?
    /// The terms that the facts were asked with.
    var terms: ShardJoin.Terms?
    /// By HQ.
    var statuses: [Status]
    /// The HQ whose values are asked for, and since when.
    var seeding: (hq: Int, since: UnixTime)?
    /// HQs whose values were asked for.
    var asked: Set<Int> = []
    var beganAt: UnixTime?
    /// The question for the facts that is open. One at a time: a broker that does not answer must
    /// not find a queue of them when it is back.
    var factsQuestion: Int?
    var factsFailedAt: UnixTime?
    /// Whether the facts were asked for again after HQ had answered.
    var areFactsNewer = false
    /// Since when all that is waited for is known.
    var readyAt: UnixTime?

    init(headquarters: Int) {
        statuses = Array(repeating: .unknown, count: headquarters)
    }
}

/// A record that was asked for, to be compared.
struct RecordQuestion {
    var number: Int
    var record: Fingerprint
    var purpose: RecordPurpose
    var askedAt: UnixTime
    /// The shard's coverage then.
    var coverage: Int64
}

enum RecordPurpose: Equatable {
    /// The last record that this node folded.
    case own
    /// The last one that an HQ knows of.
    case of(hq: Int)
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
    /// Whether the log was seen to hold the last record folded since the group gave the shard to
    /// this node.
    var isVerified = true
    /// When that was seen last.
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
