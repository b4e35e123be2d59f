import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Testing

/// Commits that are split into steps.
@Suite struct CommitFillingTests {
    private static func commit(_ partition: Int32, minutes: Range<Int32>) -> ShardCommit {
        ShardCommit(
            shard: ShardID(region: Merge.region, log: Merge.log, partition: partition),
            expectedWatermark: "w\(partition)", expectedLiveness: "l\(partition)",
            watermark: "W\(partition)", liveness: "L\(partition)",
            changes: minutes.map {
                BucketChange(
                    minute: Minute($0), currency: Merge.eur, value: BucketValue(settled: 7),
                    published: 7, transfers: 1)
            },
            late: [
                Bucket(minute: Minute(3), currency: Merge.eur, value: BucketValue(settled: 1))
            ], ignoredBuckets: 5)
    }

    @Test("A commit that fits one script is one unchanged step")
    func one() {
        let commits = [Self.commit(0, minutes: 0..<3), Self.commit(1, minutes: 1..<2)]
        let counts = [PartitionCount(log: Merge.log, count: 2)]
        let steps = CommitFilling.steps(
            of: commits, salt: "", bucketsMax: 6, partitionCounts: counts)
        #expect(
            steps == [
                CommitStep(
                    commits: commits, differences: GlobalDifference.sum(of: commits)!,
                    partitionCounts: counts)
            ])
    }

    @Test("Each step expects the text of the previous one, and the watermark comes last")
    func texts() throws {
        let commits = [Self.commit(0, minutes: 0..<8), Self.commit(1, minutes: 6..<8)]
        let counts = [PartitionCount(log: Merge.log, count: 2)]
        let steps = try #require(
            CommitFilling.steps(of: commits, salt: "a", bucketsMax: 4, partitionCounts: counts))
        #expect(steps.count == 4)
        #expect(steps.map(\.isLast) == [false, false, false, true])
        for (index, commit) in commits.enumerated() {
            let parts = steps.map { $0.commits[index] }
            #expect(parts[0].expectedLiveness == commit.expectedLiveness)
            for (part, next) in zip(parts, parts.dropFirst()) {
                #expect(part.watermark == commit.expectedWatermark)
                #expect(part.ignoredBuckets == 0)
                #expect(part.liveness == next.expectedLiveness)
                #expect(part.liveness.map(ShardLiveness.isFilling) == true)
            }
            #expect(Set(parts.map(\.liveness)).count == 4)
            #expect(parts.allSatisfy { $0.expectedWatermark == commit.expectedWatermark })
            #expect(parts.map(\.isFilling) == [true, true, true, true])
            #expect(parts[3].watermark == commit.watermark)
            #expect(parts[3].liveness == commit.liveness)
            #expect(parts[3].ignoredBuckets == 5)
            #expect(parts.flatMap(\.changes) == commit.changes)
            #expect(parts.flatMap(\.late) == commit.late)
        }
        #expect(steps.allSatisfy { $0.partitionCounts == counts })
        // The sums change with the buckets, and each minute in a single step.
        for step in steps {
            #expect(step.differences == GlobalDifference.sum(of: step.commits))
        }
        #expect(steps.flatMap(\.differences) == GlobalDifference.sum(of: commits))
    }

    @Test("Two writers that start from the same texts are distinguished")
    func writers() {
        let commits = [Self.commit(0, minutes: 0..<8)]
        func first(_ salt: String) -> String? {
            CommitFilling.steps(of: commits, salt: salt, bucketsMax: 2)?.first?.commits[0].liveness
        }
        #expect(first("a") == first("a"))
        #expect(first("a") != first("b"))
    }
}
