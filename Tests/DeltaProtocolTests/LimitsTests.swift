import DeltaProtocol
import Identifiers
import Money
import Testing
import Topology

/// Checks the limits against each other.
@Suite struct LimitsTests {
    @Test func `the window is within the retention`() {
        #expect(Limits.windowMinutes == 24 * 60)
        #expect(Limits.windowMinutes < Limits.retainedMinutes)
        #expect(Limits.futureMinutes > 0)
    }

    @Test func `a full ring of every currency fits the limit of a shard`() {
        let ring = Limits.retainedMinutes + Limits.futureMinutes
        #expect(Currency.count * ring <= Limits.bucketsPerShard)
        #expect(Limits.bucketsPerShard % ring == 0)
    }

    @Test func `all partitions of a log fit one request, and replies may be larger`() {
        #expect(Int(ShardID.maximumPartitions) <= Limits.shardsPerRequest)
        #expect(Limits.replyBytes >= Limits.requestBytes)
    }

    @Test func `a bucket's published value, summed over all shards, fits 64 bits`() {
        let greatest = BucketValue(
            settled: Limits.sumMagnitude, transfers: Limits.sumMagnitude,
            correction: Limits.sumMagnitude)
        #expect(greatest.isWithinLimits)
        #expect(greatest.published == 2 * Limits.sumMagnitude)
        let (sum, overflow) = greatest.published.multipliedReportingOverflow(
            by: Int64(Topology.maximumShards))
        #expect(!overflow)
        #expect(sum < .max)
        // One addition may combine the sums of two requests.
        #expect(!sum.addingReportingOverflow(greatest.published).overflow)
    }

    @Test(arguments: [
        BucketValue(settled: Limits.sumMagnitude + 1), BucketValue(settled: .min),
        BucketValue(settled: -Limits.sumMagnitude - 1), BucketValue(settled: .max),
        BucketValue(transfers: -1), BucketValue(transfers: Limits.sumMagnitude + 1),
        BucketValue(correction: Limits.sumMagnitude + 1), BucketValue(correction: .min),
        BucketValue(correction: -Limits.sumMagnitude - 1),
    ])
    func `a value one beyond its bound is outside`(value: BucketValue) {
        #expect(!value.isWithinLimits)
        #expect(!value.isZero)
    }

    @Test func `a value at its bound is inside`() {
        #expect(BucketValue(settled: -Limits.sumMagnitude).isWithinLimits)
        #expect(BucketValue(correction: -Limits.sumMagnitude).isWithinLimits)
        #expect(BucketValue.zero.isWithinLimits)
        #expect(BucketValue.zero.isZero)
    }
}
