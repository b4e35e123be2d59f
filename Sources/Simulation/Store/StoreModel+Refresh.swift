import CivilTime
import DeltaProtocol
import Federation
import Identifiers

extension StoreModel {
    /// The changes since `position`, or everything, as one consistent view.
    ///
    /// - Parameters:
    ///   - isNewConnection: true if the reader's last refresh came on another connection.
    ///   - own: the topology of the reader's files.
    func refresh(
        since position: StorePosition?, isNewConnection: Bool, own: StoreTopology,
        shape: WorldShape
    ) -> StoreRefresh {
        let present = StorePosition(storeID: id ?? "", version: version)
        var since: Int64?
        if !isNewConnection, let position, position.storeID == present.storeID,
            position.version <= version, isListWhole
        {
            since = position.version
        }
        var changedAt: [Minute: Int64] = [:]
        var named: [Int32] = []
        for (row, minute) in changes.minutes.enumerated() {
            let version = changes.value(row: row, column: 0).settled
            guard version > since ?? 0 else { continue }
            changedAt[Minute(minute)] = version
            named.append(minute)
        }
        // A full view includes minutes that are not listed.
        if since == nil {
            named = Set(named).union((buckets + late + missed).flatMap { $0.minutes }).sorted()
        }
        var minutes: [RegionMinute] = []
        for minute in named {
            for region in shape.regions.indices {
                let shards = shape.shardsOfRegion[region].filter { counts(shape.shards[$0].id) }
                let entry = RegionMinute(
                    region: shape.regions[region], minute: Minute(minute),
                    values: values(of: shards.map { buckets[$0] }, minute: minute),
                    late: values(of: shards.map { late[$0] }, minute: minute),
                    missed: values(of: shards.map { missed[$0] }, minute: minute))
                if since == nil, entry.isEmpty { continue }
                minutes.append(entry)
            }
        }
        return StoreRefresh(
            position: present, isFull: since == nil, minutes: minutes,
            standings: standings(shape), partitionCounts: partitionCounts(shape),
            changedAt: since == nil ? changedAt : [:], retainedFrom: Minute(firstMinute),
            countedLogs: topology?.logs ?? [:],
            isTopologyOld: topology?.standing(of: own) == .older)
    }

    private func values(
        of tables: [MinuteTable], minute: Int32
    ) -> [RegionMinute.CurrencyValue] {
        currencies.indices.compactMap { column in
            var sum = BucketValue.zero
            for table in tables {
                let value = table[minute, column]
                sum.settled += value.settled
                sum.transfers += value.transfers
                sum.correction += value.correction
            }
            return sum.isZero ? nil : .init(currency: currencies[column], value: sum)
        }
    }

    private func standings(_ shape: WorldShape) -> [ShardID: ShardStanding] {
        var standings: [ShardID: ShardStanding] = [:]
        for (shard, texts) in texts.enumerated() {
            guard let stored = stored(shard), counts(shape.shards[shard].id) else { continue }
            let liveness = texts.liveness.flatMap { ShardLiveness(text: $0) }
            standings[shape.shards[shard].id] = ShardStanding(
                watermark: stored.watermark, claims: stored.claims,
                observedThrough: liveness?.observedThrough,
                receivedAt: liveness?.receivedAt ?? UnixTime(milliseconds: 0),
                node: liveness?.node ?? "", marker: liveness?.marker,
                counters: liveness?.counters ?? ShardCounters(), isTorn: isHalfWritten(shard))
        }
        return standings
    }

    private func partitionCounts(_ shape: WorldShape) -> [RegionID: [LogID: Int32]] {
        var counts: [RegionID: [LogID: Int32]] = [:]
        for (number, log) in shape.logs.enumerated() where partitionCounts[number] > 0 {
            counts[shape.regions[log.region], default: [:]][log.id] = partitionCounts[number]
        }
        return counts
    }

    /// HQ's answer to a joining node about a region's shards, with values if requested.
    func statuses(
        region: Int, partition: Int32?, withValues: Bool, now: UnixTime, shape: WorldShape
    ) -> [ShardStatus] {
        let near = StoreRetention.near(now: now)
        let minutes = withValues ? Array(near) : []
        return shape.shardsOfRegion[region].compactMap { shard in
            let id = shape.shards[shard].id
            guard partition == nil || id.partition == partition, let stored = stored(shard),
                !isFilling(shard)
            else { return nil }
            var values: ShardStatus.Values?
            if withValues {
                let reading = reading(
                    shard,
                    MinutesToRead(
                        buckets: minutes, late: minutes,
                        beyond: near.upperBound.advanced(by: 1)))
                values = ShardStatus.Values(buckets: reading.buckets, late: reading.late)
            }
            return ShardStatus(
                log: id.log, partition: id.partition, watermark: stored.watermark,
                claims: stored.claims, foldVersion: stored.foldVersion,
                fingerprint: stored.fingerprint, values: values)
        }
    }
}
