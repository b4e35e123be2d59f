import CivilTime
import DeltaProtocol
import Hashing
import Identifiers
import Money

/// Splits commits that are too large for one script into steps, minute by minute.
///
/// Until the last step the shards keep their watermarks, and their liveness text names the writer
/// and the step. Each step compares that text and writes the next one, so a step of another writer,
/// or one that runs twice, has no effect. Sums change in the same step as their buckets, so the
/// store is consistent between steps too. Each step also compares the log's partition count,
/// because the steps before the last must not write buckets of a log that is refused.
package enum CommitFilling {
    /// The steps, in order; only one if `commits` are small enough.
    ///
    /// Nil if the differences of a step overflow `Int64`: the caller then splits the commits in
    /// half.
    ///
    /// - Parameters:
    ///   - salt: distinguishes this writer from others that start from the same texts.
    ///   - bucketsMax: how many buckets one step writes, unless a single minute has more.
    package static func steps(
        of commits: [ShardCommit], salt: String, bucketsMax: Int,
        partitionCounts: [PartitionCount] = []
    ) -> [CommitStep]? {
        let cuts = cuts(commits, bucketsMax: bucketsMax)
        let writer = writer(of: commits, salt: salt)
        var rest = commits.map { (changes: $0.changes[...], late: $0.late[...]) }
        var steps: [CommitStep] = []
        for (number, end) in cuts.enumerated() {
            let isLast = number == cuts.count - 1
            var parts = commits
            for index in commits.indices {
                parts[index].changes = take(&rest[index].changes, before: end, \.minute)
                parts[index].late = take(&rest[index].late, before: end, \.minute)
                if number > 0 {
                    parts[index].expectedLiveness = text(writer, step: number)
                }
                if cuts.count > 1 { parts[index].isFilling = true }
                guard !isLast else { continue }
                parts[index].watermark = commits[index].expectedWatermark
                parts[index].liveness = text(writer, step: number + 1)
                parts[index].missed = []
                parts[index].ignoredBuckets = 0
            }
            guard let differences = GlobalDifference.sum(of: parts) else { return nil }
            steps.append(
                CommitStep(
                    commits: parts, differences: differences,
                    partitionCounts: partitionCounts, isLast: isLast))
        }
        return steps
    }

    /// The text that replaces a liveness after `step` steps.
    static func text(_ writer: String, step: Int) -> String {
        "\(ShardLiveness.filling) \(writer) \(step)"
    }

    /// The minutes before which the steps end; nil for the last step.
    private static func cuts(_ commits: [ShardCommit], bucketsMax: Int) -> [Minute?] {
        var counts: [Minute: Int] = [:]
        for commit in commits {
            for change in commit.changes { counts[change.minute, default: 0] += 1 }
            for bucket in commit.late { counts[bucket.minute, default: 0] += 1 }
        }
        var cuts: [Minute?] = []
        var buckets = 0
        for (minute, count) in counts.sorted(by: { $0.key < $1.key }) {
            if buckets > 0, buckets + count > bucketsMax {
                cuts.append(minute)
                buckets = 0
            }
            buckets += count
        }
        return cuts + [nil]
    }

    private static func take<Element>(
        _ rest: inout ArraySlice<Element>, before end: Minute?, _ minute: (Element) -> Minute
    ) -> [Element] {
        let taken = end.map { end in rest.prefix { minute($0) < end } } ?? rest
        rest = rest.dropFirst(taken.count)
        return Array(taken)
    }

    /// A name for each writer. Two writers that start from the same texts have different salts, so
    /// only one of them gets past the first step.
    private static func writer(of commits: [ShardCommit], salt: String) -> String {
        let texts = commits.flatMap {
            ["\($0.shard)", $0.expectedWatermark ?? "", $0.expectedLiveness ?? ""]
        }
        return FNV1a.hash(([salt] + texts).joined(separator: "\n").utf8).hexadecimal
    }
}
