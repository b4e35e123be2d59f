package import CivilTime
import DeltaProtocol
package import Identifiers

/// A shard to read, and which minutes of it.
package struct ShardQuestion: Hashable, Sendable {
    package var log: LogID
    package var partition: Int32
    package var minutes: MinutesToRead

    package init(log: LogID, partition: Int32, minutes: MinutesToRead) {
        self.log = log
        self.partition = partition
        self.minutes = minutes
    }

    /// What must be read to decide `delta`.
    init(_ delta: ShardDelta, context: MergeContext) {
        self.init(
            log: delta.log, partition: delta.partition,
            minutes: ShardMerge.minutesToRead(delta, context: context))
    }
}

/// What one script writes: all of it, or nothing where a shard's texts are not those expected. A
/// large commit takes several, see `CommitFilling`.
package struct CommitStep: Hashable, Sendable {
    /// At least one, all of one region.
    package var commits: [ShardCommit]
    /// What they add together to the global sums.
    package var differences: [GlobalDifference]
    /// How many partitions each current log of the region has, by log.
    package var partitionCounts: [PartitionCount]
    /// True for the last step, or the only one: after it the commits are complete.
    package var isLast: Bool

    /// The minutes that it lists as changed, in rising order: those of its sums, late money and
    /// missed money.
    package var listedMinutes: [Minute] {
        var minutes = Set(differences.map(\.minute))
        for commit in commits { minutes.formUnion((commit.late + commit.missed).map(\.minute)) }
        return minutes.sorted()
    }

    package init(
        commits: [ShardCommit], differences: [GlobalDifference],
        partitionCounts: [PartitionCount] = [], isLast: Bool = true
    ) {
        self.commits = commits
        self.differences = differences
        self.partitionCounts = partitionCounts
        self.isLast = isLast
    }
}

/// What a store's writer remembers of scripts that did not end well.
package struct SuspectMinutes: Hashable, Sendable {
    /// Minutes that a script has touched without a known end: their sums may not be what the
    /// shards add up to, and what changed in them may not be listed.
    package private(set) var minutes: Set<Minute> = []

    package init() {}

    package var isEmpty: Bool { minutes.isEmpty }

    package mutating func add(_ more: some Sequence<Minute>) { minutes.formUnion(more) }

    /// A script that was to write these failed midway, or its outcome is unknown.
    package mutating func doubt(_ commits: [ShardCommit]) {
        for commit in commits {
            for change in commit.changes { minutes.insert(change.minute) }
            for bucket in commit.late + commit.missed { minutes.insert(bucket.minute) }
        }
    }

    /// The sums of these are right again.
    package mutating func wereRepaired(_ repaired: some Sequence<Minute>) {
        minutes.subtract(repaired)
    }
}
