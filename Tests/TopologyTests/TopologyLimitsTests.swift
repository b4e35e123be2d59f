import DeltaProtocol
import Money
import Testing
import Topology

@Suite struct TopologyLimitsTests {
    @Test func `a shard of every known currency stays within the contract's buckets`() {
        let minutes = Limits.retainedMinutes + Limits.futureMinutes
        #expect(Currency.count * minutes <= Limits.bucketsPerShard)
    }

    @Test func `a sum over all shards of a topology stays within 64 bits`() {
        let settledAndCorrection = Limits.sumMagnitude.multipliedReportingOverflow(by: 2)
        let all = settledAndCorrection.partialValue.multipliedReportingOverflow(
            by: Int64(Topology.maximumShards))
        #expect(!settledAndCorrection.overflow)
        #expect(!all.overflow)
    }
}
