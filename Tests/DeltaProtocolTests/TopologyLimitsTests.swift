import DeltaProtocol
import Money
import Testing
import Topology

@Suite struct TopologyLimitsTests {
    @Test func `validation bounds a shard by the contract's limits`() {
        #expect(Topology.maximumRequestBytes == Limits.requestBytes)
        #expect(Topology.minutesPerShard == Limits.retainedMinutes + Limits.futureMinutes)
        #expect(Currency.count * Topology.minutesPerShard <= Limits.bucketsPerShard)
    }

    @Test func `a sum over all shards of a topology stays within 64 bits`() {
        let settledAndCorrection = Limits.sumMagnitude.multipliedReportingOverflow(by: 2)
        let all = settledAndCorrection.partialValue.multipliedReportingOverflow(
            by: Int64(Topology.maximumShards))
        #expect(!settledAndCorrection.overflow)
        #expect(!all.overflow)
    }
}
