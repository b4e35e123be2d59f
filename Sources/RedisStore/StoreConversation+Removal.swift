import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Logging
import Platform

extension StoreConversation {
    /// Removes a region's replaced logs before anything of the new log is added. Once per
    /// connection, because a new connection may lead to a database that still has them.
    mutating func removeReplacedLogsOnce(
        of region: RegionID, now: UnixTime, deadline: Deadline
    ) throws(RedisStoreError) {
        guard adoption != nil else { return }
        try connect()
        let number = connectionNumber
        guard adoption?.mustRemove(of: region, on: number) ?? false else { return }
        try removeReplacedLogs(of: region, now: now, deadline: deadline)
        adoption?.haveRemoved(of: region, on: number)
    }

    /// Removes a region's replaced logs, shard by shard.
    mutating func removeReplacedLogs(
        of region: RegionID, now: UnixTime, deadline: Deadline
    ) throws(RedisStoreError) {
        guard let adoption else { return }
        var shards: Set<ShardID> = []
        // A dropped watermark leaves the hashes, and the liveness that names them.
        for key in [StoreKeys.watermarks(region), StoreKeys.liveness(region)] {
            let fields = try send(
                RedisCommand("HKEYS", key), deadline: deadline, doing: "listing replaced shards"
            ) { $0.texts }
            shards.formUnion(fields.compactMap { StoreKeys.shard(region, field: $0) })
        }
        for shard in shards.sorted() where adoption.isReplaced(shard) {
            try remove(shard, now: now, deadline: deadline)
        }
    }

    private mutating func remove(
        _ shard: ShardID, now: UnixTime, deadline: Deadline
    ) throws(RedisStoreError) {
        let wanted = ShardQuestion(
            log: shard.log, partition: shard.partition,
            minutes: ShardMerge.minutesToRemove(now: now))
        for _ in 0..<CommitRound.Bounds().attempts {
            try repairSuspects(deadline: deadline)
            let readings = try read([wanted], region: shard.region, deadline: deadline)
            guard let reading = readings.first ?? nil else { continue }
            if reading.liveness.map(ShardLiveness.isTorn) ?? false {
                suspects.add(reading.buckets.map(\.minute))
                try repairSuspects(deadline: deadline)
            }
            let commit = ShardMerge.removal(of: shard, reading: reading)
            guard try write(commit, deadline: deadline) else { continue }
            logger.notice(
                "removed a shard of a replaced log",
                metadata: ["shard": "\(shard)", "buckets": "\(commit.changes.count)"])
            return
        }
        throw RedisStoreError(.contended, doing: "removing a replaced shard")
    }
}
