import CivilTime
import DeltaProtocol
import Federation
import Money
import Testing

@Suite struct GlobalDifferenceTests {
    private func commit(_ changes: [BucketChange]) -> ShardCommit {
        ShardCommit(
            shard: Merge.shard, expectedWatermark: nil, expectedLiveness: nil, watermark: "",
            liveness: "", changes: changes)
    }

    private func change(
        _ ago: Int, _ currency: Currency, _ published: Int64, _ transfers: Int64
    ) -> BucketChange {
        Merge.change(
            ago, currency, BucketValue(settled: 1), published: published, transfers: transfers)
    }

    @Test func `differences of several shards are combined by currency and minute`() {
        let sum = GlobalDifference.sum(of: [
            commit([change(9, Merge.usd, 5, 1), change(2, Merge.eur, 7, 2)]),
            commit([]),
            commit([
                change(9, Merge.eur, -3, 1), change(9, Merge.usd, -5, -1),
                change(1, Merge.jpy, 1, 1),
            ]),
        ])
        #expect(
            sum == [
                GlobalDifference(
                    minute: Merge.minute(9), currency: Merge.eur, published: -3, transfers: 1),
                GlobalDifference(
                    minute: Merge.minute(9), currency: Merge.usd, published: 0, transfers: 0),
                GlobalDifference(
                    minute: Merge.minute(2), currency: Merge.eur, published: 7, transfers: 2),
                GlobalDifference(
                    minute: Merge.minute(1), currency: Merge.jpy, published: 1, transfers: 1),
            ])
        #expect(GlobalDifference.sum(of: []) == [])
        #expect(GlobalDifference.sum(of: [commit([])]) == [])
    }

    @Test func `a sum that overflows is nil`() {
        let half = commit([change(9, Merge.usd, Int64.max / 2 + 1, 1)])
        #expect(GlobalDifference.sum(of: [half]) != nil)
        #expect(GlobalDifference.sum(of: [half, half]) == nil)
        let count = commit([change(9, Merge.usd, 1, Int64.min)])
        #expect(GlobalDifference.sum(of: [count, count]) == nil)
    }
}
