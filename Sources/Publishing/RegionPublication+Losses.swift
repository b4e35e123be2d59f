import CivilTime
import DeltaProtocol
import Federation
import Identifiers

/// Minutes that the store has lost.
extension RegionPublication {
    /// Finds retained minutes of a full view that have lost money since `before`, which was read at
    /// `position`. A minute without a listed change must hold no less. A minute with one must have
    /// no fewer transfers, because the change may be another region's. In a different database only
    /// the watermarks can show a loss.
    mutating func noteLosses(
        _ update: Update, since before: PublishedRing, at position: StorePosition?,
        _ current: Minute, _ retainedFrom: Minute
    ) {
        guard let position, position.storeID == update.position.storeID else { return }
        // An older state of the database, after a failover. At the same watermarks only a later
        // correction or healing can explain smaller values; the refill is then unnecessary but
        // harmless.
        let version = position.version <= update.position.version ? position.version : .max
        for minute in servedMinutes(around: current)
        where minute >= retainedFrom {
            let isUnchanged = update.changedAt[minute] ?? .min <= version
            let isLost =
                isUnchanged
                ? Self.isLess(live[minute], than: before[minute])
                : Self.hasFewer(live[minute], than: before[minute])
            if isLost { note(lost: minute, isCertain: isUnchanged) }
        }
    }

    mutating func note(lost minute: Minute, isCertain: Bool) {
        if lost[minute] == nil { isBeingFilled = false }
        lost[minute] = lost[minute] ?? false || isCertain
    }

    /// Forgets lost minutes whose values are back, and those that show their last good values
    /// anyway.
    mutating func forgetFoundMinutes(
        liveFrom: Minute?, current: Minute, retainedFrom: Minute
    ) {
        let served = PublishedRing.range(around: current)
        let first = max(liveFrom ?? retainedFrom, retainedFrom)
        lost = lost.filter {
            $0.key >= first && served.contains($0.key)
                && Self.isLess(live[$0.key], than: shown.ring[$0.key])
        }
    }

    /// The lost minutes that no node would resend, because every watermark is as high as before;
    /// empty once a refill was requested.
    var minutesToFill: [Minute] {
        guard !isBeingFilled, firstMinuteToShowLive() != nil else { return [] }
        return lost.keys.sorted()
    }

    /// Records that the region's watermarks were dropped. Once all shards are back, their values
    /// are exactly those of the logs. Minutes that certainly lost data keep their last good values
    /// if a log that is no longer read may have contributed to them.
    mutating func isFilledAgain() {
        isBeingFilled = true
        let isWhole = settings.earlierLogs.isEmpty && !settings.isRetired
        lost = isWhole ? [:] : lost.filter(\.value)
    }

    /// The first minute that everything shown knows in full; nil while a partition was never seen.
    var knownFrom: Minute? {
        var first = Minute(.min)
        for log in settings.currentLogs {
            guard let count = partitionCounts[log], count > 0 else { return nil }
            for partition in 0..<min(count, ShardID.maximumPartitions) {
                let shard = ShardID(region: settings.id, log: log, partition: partition)
                guard marks[shard] != nil else { return nil }
            }
        }
        for mark in marks.values { first = max(first, mark.completeFrom) }
        return first
    }
}
