package import CivilTime
import DeltaProtocol
package import Federation

/// The outcomes of one shard's records in the last ten minutes, from its node's counters.
///
/// Records that a node reads to catch up after joining are not included.
package struct OutcomeTrend: Sendable {
    /// The share of records that is labelled: 1 in this many. Single bad records are rarer than 1
    /// in 1,000. A wrong clock or a broken producer spoils all records of a partition, or 1 in 20
    /// if 20 producers share it.
    static let labelledShare: Int64 = 20
    /// Fewer records than this are never labelled, whatever their share.
    static let recordsMin: Int64 = 5
    /// A shard whose observed-through is at most this old has caught up, in milliseconds.
    static let caughtUpMilliseconds: Int64 = 30_000
    private static let spanMilliseconds: Int64 = 600_000
    private static let sampleMilliseconds: Int64 = 30_000

    private struct Sample: Sendable {
        var at: UnixTime
        var counters: ShardCounters
    }

    private var node = ""
    private var hasCaughtUp = false
    /// Oldest first; later counters are compared with the first.
    private var samples: [Sample] = []
    private var last = ShardCounters()

    package init() {}

    /// Takes a shard's latest standing. `isCaughtUp`: the node has reached the end of its log.
    package mutating func take(_ standing: ShardStanding, isCaughtUp: Bool, now: UnixTime) {
        let counters = standing.counters
        // A restarted node counts from the offset at which it started to read.
        if standing.node != node || counters.consumed < last.consumed {
            node = standing.node
            hasCaughtUp = false
        }
        last = counters
        if !hasCaughtUp {
            samples = [Sample(at: now, counters: counters)]
            hasCaughtUp = isCaughtUp
            return
        }
        if let newest = samples.last,
            now < newest.at || now >= newest.at + Self.sampleMilliseconds
        {
            samples.append(Sample(at: now, counters: counters))
        }
        while samples.count > 1, samples[1].at + Self.spanMilliseconds <= now {
            samples.removeFirst()
        }
    }

    package var isRejecting: Bool { isLabelled(\.rejected) }
    package var isLate: Bool { isLabelled(\.late) }

    private func isLabelled(_ outcome: KeyPath<ShardCounters, Int64>) -> Bool {
        guard let first = samples.first?.counters else { return false }
        let count = last[keyPath: outcome] - first[keyPath: outcome]
        let all = last.consumed - first.consumed
        return count >= Self.recordsMin && count * Self.labelledShare >= all
    }
}
