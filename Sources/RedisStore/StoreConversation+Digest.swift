import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Platform

extension StoreConversation {
    /// The digest of a shard's buckets and late money in some minutes, read in one step with its
    /// watermark; nil if there is no such shard, or if its hashes may hold part of a commit.
    mutating func digest(
        of shard: ShardID, minutes: ClosedRange<Minute>, deadline: Deadline
    ) throws(RedisStoreError) -> StoredDigest? {
        let wanted = ShardQuestion(
            log: shard.log, partition: shard.partition,
            minutes: MinutesToRead(buckets: Array(minutes), late: Array(minutes)))
        guard
            let reading = try read([wanted], region: shard.region, deadline: deadline).first ?? nil,
            let stored = reading.watermark.flatMap({ StoredShard(text: $0) }),
            !(reading.liveness.map(ShardLiveness.isTorn) ?? true)
        else { return nil }
        var digest = ShardDigest()
        for bucket in reading.buckets { digest.add(bucket, isLate: false) }
        for bucket in reading.late { digest.add(bucket, isLate: true) }
        return StoredDigest(watermark: stored.watermark, claims: stored.claims, digest: digest)
    }

    /// Removes the watermark of one shard.
    mutating func dropWatermark(
        of shard: ShardID, deadline: Deadline
    ) throws(RedisStoreError) {
        let command = RedisCommand(
            "HDEL", StoreKeys.watermarks(shard.region),
            StoreKeys.field(shard.log, shard.partition))
        let dropped = try send(command, deadline: deadline, doing: "dropping a watermark") {
            Int($0.integer ?? 0)
        }
        counters.update { $0.droppedWatermarks += dropped }
    }
}
