import CivilTime

/// Minutes that the store has lost.
extension RegionPublication {
    /// Notes the retained minutes of a full view that hold less than a ring that was read at
    /// `position`, although nothing has changed them since. A store that forgot what it had listed
    /// as changed looks the same as one that lost the values. Another database says nothing of it:
    /// there the watermarks say what is missing.
    mutating func noteLosses(
        _ update: Update, since before: MinuteRing, at position: StorePosition?,
        _ current: Minute, _ retainedFrom: Minute
    ) {
        guard let position, position.storeID == update.position.storeID else { return }
        // An older state of the database. With the watermarks where they were, its minutes hold no
        // less, save for a later correction or healing: then they are filled again in vain.
        let version = position.version <= update.position.version ? position.version : .max
        for minute in servedMinutes(around: current)
        where minute >= retainedFrom && update.changedAt[minute] ?? .min <= version {
            guard Self.isLess(live[minute], than: before[minute]) else { continue }
            note(lost: minute, isCertain: true)
        }
    }

    mutating func note(lost minute: Minute, isCertain: Bool) {
        if lost[minute] == nil { isBeingFilled = false }
        lost[minute] = lost[minute] ?? false || isCertain
    }

    /// Forgets lost minutes that show as much as before again, and those that keep their last good
    /// values anyway.
    mutating func forgetFoundMinutes(
        liveFrom: Minute?, current: Minute, retainedFrom: Minute
    ) {
        let served = MinuteRing.range(around: current)
        let first = max(liveFrom ?? retainedFrom, retainedFrom)
        lost = lost.filter {
            $0.key >= first && served.contains($0.key)
                && Self.isLess(live[$0.key], than: shown.ring[$0.key])
        }
    }

    /// The lost minutes, where every shard stands as far as was shown, so that nobody would send
    /// them again; empty once that was asked for.
    var minutesToFill: [Minute] {
        guard !isBeingFilled, firstMinuteToShowLive() != nil else { return [] }
        return lost.keys.sorted()
    }

    /// The region's watermarks were dropped. What stands once all shards are back where they were
    /// is what the logs say, unless some of it came from a log that nobody reads any more: that
    /// keeps its last good values.
    mutating func isFilledAgain() {
        isBeingFilled = true
        let isWhole = settings.earlierLogs.isEmpty && !settings.isRetired
        lost = isWhole ? [:] : lost.filter(\.value)
    }
}
