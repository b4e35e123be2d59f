package import CivilTime
import DeltaProtocol
package import Identifiers

/// A shard to read, and its minutes to read.
package struct ShardQuestion: Hashable, Sendable {
    package var log: LogID
    package var partition: Int32
    package var minutes: MinutesToRead

    package init(log: LogID, partition: Int32, minutes: MinutesToRead) {
        self.log = log
        self.partition = partition
        self.minutes = minutes
    }

    /// The question that must be answered to decide `delta`.
    init(_ delta: ShardDelta, context: MergeContext) {
        self.init(
            log: delta.log, partition: delta.partition,
            minutes: ShardMerge.minutesToRead(delta, context: context))
    }
}

/// The write of one script: all of it, or nothing if a shard's texts are not as expected. A large
/// commit takes several steps, see `CommitFilling`.
package struct CommitStep: Hashable, Sendable {
    /// At least one, all of one region.
    package var commits: [ShardCommit]
    /// The sum of what they add to the global sums.
    package var differences: [GlobalDifference]
    /// The partition counts of the region's current logs.
    package var partitionCounts: [PartitionCount]
    /// True for the last or only step: after it the commits are complete.
    package var isLast: Bool

    /// The minutes that the step lists as changed, in rising order: those of its sums, late money
    /// and missed money.
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

/// Minutes touched by scripts that failed or whose outcome is unknown, as remembered by a store's
/// writer.
package struct SuspectMinutes: Hashable, Sendable {
    /// The sums of these minutes may differ from their shards' totals, and their changes may not be
    /// listed.
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

    /// The sums of these minutes were repaired.
    package mutating func wereRepaired(_ repaired: some Sequence<Minute>) {
        minutes.subtract(repaired)
    }
}
