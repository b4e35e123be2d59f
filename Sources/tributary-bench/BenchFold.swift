import Aggregation
import KafkaClient
import Platform

/// Folds a shard like a region node, to measure the path from Kafka to the ring.
final class BenchFold {
    private var fold: ShardFold
    private var records: [Aggregation.LogRecord] = []
    private var diversions: [Diversion] = []

    /// - Parameter waitingRecords: the number of records in the log, which a joining node knows.
    init(waitingRecords: Int64) {
        var start = FoldStart()
        start.waitingRecords = waitingRecords
        fold = ShardFold(
            settings: FoldSettings(idKey: IDKey(low: 1, high: 2)), start: start,
            memory: ZeroedMemory(
                allocate: LargePages.allocate, deallocate: LargePages.deallocate))
    }

    func add(_ batch: UnsafeBufferPointer<KafkaRecord>) {
        records.removeAll(keepingCapacity: true)
        records.append(
            contentsOf: batch.lazy.map { record in
                Aggregation.LogRecord(
                    offset: record.offset, timestamp: record.timestampMs,
                    value: record.isTombstone ? nil : record.value)
            })
        diversions.removeAll(keepingCapacity: true)
        records.withUnsafeBufferPointer { fold.fold($0, into: &diversions) }
    }

    /// Transfers that reached the ring.
    var applied: Int64 { fold.counters.applied }
}
