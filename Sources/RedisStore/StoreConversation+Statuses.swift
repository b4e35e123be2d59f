import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Logging
import Platform

extension StoreConversation {
    /// HQ's state of the shards of a region, by log and partition.
    mutating func statuses(
        region: RegionID, partition: Int32?, withValues: Bool, now: UnixTime, deadline: Deadline
    ) throws(RedisStoreError) -> [ShardStatus] {
        try repairSuspects(deadline: deadline)
        let doing = "reading watermarks"
        let fields = try send(
            RedisCommand("HKEYS", StoreKeys.watermarks(region)), deadline: deadline, doing: doing
        ) { $0.texts }
        let shards = fields.compactMap { StoreKeys.shard(region, field: $0) }
            .filter { partition == nil || $0.partition == partition }
            .sorted()
        let near = StoreRetention.near(now: now)
        let minutes = withValues ? Array(near) : []
        let beyond = withValues ? near.upperBound.advanced(by: 1) : nil
        let wanted = shards.map {
            ShardQuestion(
                log: $0.log, partition: $0.partition,
                minutes: MinutesToRead(buckets: minutes, late: minutes, beyond: beyond))
        }
        var statuses: [ShardStatus] = []
        // A shard's values must be read in one step with its own watermark, not with others'.
        let readings =
            withValues
            ? try wanted.map { (shard) throws(RedisStoreError) in
                try read([shard], region: region, deadline: deadline)[0]
            } : try read(wanted, region: region, deadline: deadline)
        for (shard, reading) in zip(shards, readings) {
            guard let reading, let text = reading.watermark, let stored = StoredShard(text: text)
            else { continue }
            // Its writer may still finish; otherwise the next whole delta replaces it.
            if reading.liveness.map(ShardLiveness.isFilling) ?? false { continue }
            if withValues, reading.liveness.map(ShardLiveness.isTorn) ?? false {
                // A script that failed midway has written values newer than the watermark. No node
                // may be seeded with them: the shard must be refilled.
                try dropWatermark(of: shard, deadline: deadline)
                logger.warning(
                    "dropped the watermark of a partially written shard",
                    metadata: ["shard": "\(shard)"])
                continue
            }
            statuses.append(
                ShardStatus(
                    log: shard.log, partition: shard.partition, watermark: stored.watermark,
                    claims: stored.claims, foldVersion: stored.foldVersion,
                    fingerprint: stored.fingerprint,
                    values: withValues
                        ? ShardStatus.Values(buckets: reading.buckets, late: reading.late) : nil))
        }
        return statuses
    }
}
