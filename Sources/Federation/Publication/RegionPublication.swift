import CivilTime
import DeltaProtocol
import Money
import Topology

/// One region as the publisher sees it: what the store holds (`live`), and what is shown, which
/// is the same thing unless the store has lost data that was shown before.
///
/// A shard's buckets are a function of its log up to the watermark, so "the store has at least
/// what is shown" is a comparison of watermarks, whatever happened to the database in between.
struct RegionPublication: Sendable {
    /// What of one shard the shown values stand on.
    struct Mark: Hashable, Sendable {
        var watermark: Int64
        /// The earliest first-complete minute among the states that were shown.
        var completeFrom: Minute
    }

    let settings: PublicationSettings.Region
    private(set) var shown = SlidingWindow()
    private(set) var marks: [ShardID: Mark] = [:]
    /// The time up to which the shown values have seen every expected partition.
    private(set) var observedThrough: UnixTime?
    /// When the store was found to hold less than what is shown; nil while it holds it all.
    private(set) var recoveringSince: Minute?
    /// How often that happened.
    private(set) var recoveries = 0

    private var live = MinuteRing()
    private var standings: [ShardID: ShardStanding] = [:]
    private var partitionCounts: [LogID: Int32] = [:]
    /// The first minute that is shown live; earlier ones keep their last good values.
    private var shownLiveFrom = Minute(.min)
    /// Whether what is shown was restored and has not been compared with the store yet.
    private var isRestored = false
    /// The last minute with money of the region after those that the ring reaches; nil if none.
    var lastMinuteBeyond: Minute?
    /// Problems that commit rounds have detected, in the order of `Degradation.Reason`.
    var findings: [Degradation.Reason] = []
    /// Minutes that are shown with other values than before, until they are taken.
    private var changed: [Minute] = []

    init(settings: PublicationSettings.Region) {
        self.settings = settings
    }

    var isRecovering: Bool { recoveringSince != nil }

    mutating func advance(to current: Minute) {
        shown.advance(to: current)
    }

    mutating func repairSums() -> Bool {
        shown.repairSums()
    }

    /// The minutes shown with other values since the last call.
    mutating func takeChanged() -> [Minute] {
        defer { changed.removeAll(keepingCapacity: true) }
        return changed
    }

    /// What a refresh of the store says of this region.
    struct Update {
        var isFull: Bool
        var minutes: [RegionMinute]
        var standings: [ShardID: ShardStanding]
        var partitionCounts: [LogID: Int32]
    }

    /// Takes a refresh. `current` is the window's last minute, `retainedFrom` the first one that
    /// the store still keeps: about earlier ones a full read says nothing.
    mutating func take(_ update: Update, current: Minute, retainedFrom: Minute) {
        let changed = applyToLive(update, current: current, retainedFrom: retainedFrom)
        standings = update.standings
        partitionCounts.merge(update.partitionCounts) { _, new in new }

        forgetOutlivedMarks(current: current)
        guard let liveFrom = firstMinuteToShowLive() else {
            let isFound = recoveringSince == nil
            if isFound {
                recoveringSince = current
                recoveries += 1
            }
            raiseMarks()
            let refilled = isFound ? Array(servedMinutes(around: current)) : changed
            for minute in refilled { showUnlessLess(minute) }
            if currentLogsAreBack { raiseObservedThrough() }
            return
        }
        let wasBehind = isRecovering || isRestored || liveFrom < shownLiveFrom
        recoveringSince = nil
        isRestored = false
        shownLiveFrom = liveFrom
        marks = marks.filter { counts($0.key.log) }
        raiseMarks()
        if wasBehind {
            for minute in servedMinutes(around: current) {
                if minute >= retainedFrom { show(minute) } else { showUnlessLess(minute) }
            }
        } else {
            for minute in changed { show(minute) }
        }
        raiseObservedThrough()
    }

    /// The minutes that may have changed, each with its new values in `live`.
    private mutating func applyToLive(
        _ update: Update, current: Minute, retainedFrom: Minute
    ) -> [Minute] {
        var changed: [Minute] = []
        if update.isFull {
            for minute in servedMinutes(around: current)
            where minute >= retainedFrom && !live[minute].isEmpty {
                live[minute] = []
                changed.append(minute)
            }
        }
        let served = MinuteRing.range(around: current)
        for minute in update.minutes where served.contains(minute.minute) {
            live[minute.minute] = minute.values
            changed.append(minute.minute)
        }
        return changed
    }

    private func servedMinutes(around current: Minute) -> ClosedRange<Minute> {
        MinuteRing.range(around: current)
    }

    private mutating func show(_ minute: Minute) {
        guard minute >= shownLiveFrom else { return }
        let values = live[minute]
        guard shown.ring[minute] != values else { return }
        shown.replace(minute, with: values)
        changed.append(minute)
    }

    /// Shows a minute of a store that holds less than what is shown, unless less of anything would
    /// be shown of it than before: what has been refilled is live, what is missing stays.
    private mutating func showUnlessLess(_ minute: Minute) {
        let values = live[minute]
        guard shown.ring[minute] != values else { return }
        for entry in shown.ring[minute] {
            let now = values.first { $0.currency == entry.currency }?.value ?? .zero
            guard now.transfers >= entry.value.transfers,
                now.publishedWide >= entry.value.publishedWide
            else { return }
        }
        let known = Set(shown.ring[minute].map(\.currency))
        // A correction can take a bucket that was empty below zero.
        guard values.allSatisfy({ known.contains($0.currency) || $0.value.publishedWide >= 0 })
        else { return }
        shown.replace(minute, with: values)
        changed.append(minute)
    }
}

// MARK: What the shown values stand on

extension RegionPublication {
    /// The first minute whose live values are at least what is shown; nil while some shard stands
    /// below what is shown of it, or the log that replaces its own has not come as far.
    ///
    /// A shard that was refilled by a node with less history than HQ had is back at its watermark
    /// without its earlier minutes: those keep their last good values until they leave the window.
    private func firstMinuteToShowLive() -> Minute? {
        var first = Minute(.min)
        for (shard, mark) in marks {
            guard counts(shard.log) else {
                guard hasReplacement else { return nil }
                continue
            }
            guard let standing = standings[shard], standing.watermark >= mark.watermark else {
                return nil
            }
            if standing.completeFrom > mark.completeFrom {
                first = max(first, standing.completeFrom)
            }
        }
        return first
    }

    /// Whether the current logs have seen all that is shown, which a log that counts no more was
    /// a part of.
    private var hasReplacement: Bool {
        guard let observedThrough else { return true }
        let seen = expectedStandings()
        return seen.missing == 0
            && seen.known.allSatisfy { $0.observedThrough.map { $0 >= observedThrough } ?? false }
    }

    /// Whether nothing that somebody could refill is missing.
    private var currentLogsAreBack: Bool {
        marks.allSatisfy { shard, mark in
            !settings.currentLogs.contains(shard.log)
                || (standings[shard]?.watermark ?? -1) >= mark.watermark
        }
    }

    /// Takes what stands as what the shown values stand on. A shard that has been refilled in part
    /// keeps its mark.
    private mutating func raiseMarks() {
        for (shard, standing) in standings
        where counts(shard.log) && standing.watermark >= marks[shard]?.watermark ?? 0 {
            let earlier = marks[shard]?.completeFrom ?? standing.completeFrom
            marks[shard] = Mark(
                watermark: standing.watermark,
                completeFrom: min(earlier, standing.completeFrom))
        }
    }

    /// After a whole window nothing is left of what was shown before the loss, so there is nothing
    /// to wait for: a shard that nobody refills (an earlier log's) cannot keep its region from
    /// being shown in full forever.
    private mutating func forgetOutlivedMarks(current: Minute) {
        if let since = recoveringSince, since.distance(to: current) >= Limits.windowMinutes {
            marks = [:]
        }
    }

    /// Whether a log's values count: the topology may have replaced it since it was shown.
    private func counts(_ log: LogID) -> Bool {
        settings.currentLogs.contains(log) || settings.earlierLogs.contains(log)
    }

    private mutating func raiseObservedThrough() {
        let seen = expectedStandings()
        guard let least = seen.known.compactMap(\.observedThrough).min() else { return }
        guard let before = observedThrough else {
            observedThrough = least
            return
        }
        let isComplete = seen.missing == 0 && seen.known.allSatisfy { $0.observedThrough != nil }
        if isComplete { observedThrough = max(before, least) }
    }

    /// The standings of the current logs' partitions, and how many of those have none. A log that
    /// never said how many partitions it has counts as one missing.
    private func expectedStandings() -> (known: [ShardStanding], missing: Int) {
        var known: [ShardStanding] = []
        var missing = 0
        for log in settings.currentLogs {
            guard let count = partitionCounts[log], count > 0 else {
                missing += 1
                continue
            }
            for partition in 0..<min(count, ShardID.maximumPartitions) {
                let shard = ShardID(region: settings.id, log: log, partition: partition)
                if let standing = standings[shard] {
                    known.append(standing)
                } else {
                    missing += 1
                }
            }
        }
        return (known, missing)
    }
}

// MARK: Across a restart

extension RegionPublication {
    /// What is shown, and what it stands on; `minutes` nil for all that have values.
    func snapshot(minutes: [Minute]?) -> PublicationSnapshot.Region {
        var values: [PublicationSnapshot.MinuteValues] = []
        if let minutes {
            values = minutes.map { .init(minute: $0, values: shown.ring[$0]) }
        } else if let current = shown.current {
            let first = SlidingWindow.minutes(endingWith: current).lowerBound
            for minute in first...MinuteRing.range(around: current).upperBound
            where !shown.ring[minute].isEmpty {
                values.append(.init(minute: minute, values: shown.ring[minute]))
            }
        }
        return PublicationSnapshot.Region(
            region: settings.id, observedThrough: observedThrough,
            recoveringSince: recoveringSince,
            partitionCounts: partitionCounts.sorted { $0.key < $1.key }.map {
                .init(log: $0.key, count: $0.value)
            },
            marks: marks.sorted { $0.key < $1.key }.map {
                .init(
                    log: $0.key.log, partition: $0.key.partition, watermark: $0.value.watermark,
                    completeFrom: $0.value.completeFrom)
            }, minutes: values)
    }

    /// Shows what a snapshot says, in place of nothing; the window stands where it ended then.
    mutating func restore(_ saved: PublicationSnapshot.Region) {
        guard let current = shown.current else {
            preconditionFailure("a region was restored before its window stood anywhere")
        }
        let served = MinuteRing.range(around: current)
        for minute in saved.minutes where served.contains(minute.minute) {
            shown.replace(minute.minute, with: minute.values)
        }
        observedThrough = saved.observedThrough
        recoveringSince = saved.recoveringSince
        for log in saved.partitionCounts { partitionCounts[log.log] = log.count }
        for mark in saved.marks {
            let shard = ShardID(region: settings.id, log: mark.log, partition: mark.partition)
            marks[shard] = Mark(watermark: mark.watermark, completeFrom: mark.completeFrom)
        }
        isRestored = true
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

// MARK: What is wrong with it

extension RegionPublication {
    /// Why the region degrades the answer, in the order of the reasons. `readAt` is when the store
    /// last answered: a region is not silent because the store is.
    func degradations(
        now: UnixTime, readAt: UnixTime?, dataAsOf: UnixTime,
        settings limits: PublicationSettings
    ) -> [Degradation] {
        guard !settings.isRetired else { return [] }
        guard let readAt else {
            // Before the store's first answer nothing else is known.
            return isRecovering ? [Degradation(.storeRefilling, region: settings.id)] : []
        }
        let expected = expectedStandings()
        var reasons: [Degradation.Reason] = []
        if isRecovering {
            reasons.append(.storeRefilling)
        } else if expected.known.isEmpty {
            reasons.append(.regionMissing)
        } else if expected.missing > 0
            || expected.known.contains(where: { $0.observedThrough == nil })
        {
            reasons.append(.partitionsMissing)
        }
        if let last = expected.known.map(\.receivedAt).min(),
            elapsed(from: last, to: readAt) > limits.silentAfter
        {
            reasons.append(.regionSilent)
        }
        // A shard that joins late is behind what was published before it came.
        let observed = expected.known.map(\.observedThrough) + [observedThrough]
        if let least = observed.compactMap(\.self).min(),
            // What was published before a shard came claims more than that shard has seen.
            elapsed(from: least, to: now) > limits.laggingAfter || least < dataAsOf
        {
            reasons.append(.regionLagging)
        }
        if isHistoryIncomplete() { reasons.append(.historyIncomplete) }
        if hasMoneyAhead(of: now) { reasons.append(.ahead) }
        reasons += findings
        return reasons.map { Degradation($0, region: settings.id) }
    }

    /// Whether a shard that counts does not know some minute of the window in full, or the store
    /// has lost a log that is no longer read.
    private func isHistoryIncomplete() -> Bool {
        guard let current = shown.current else { return false }
        let logs = Set(standings.keys.map(\.log))
        if !logs.isSuperset(of: settings.earlierLogs) { return true }
        let start = SlidingWindow.minutes(endingWith: current).lowerBound
        return standings.contains { counts($0.key.log) && $0.value.claims.idsFrom > start }
    }

    /// Whether the store has money in minutes `Limits.futureMinutes` after `now` or later.
    private func hasMoneyAhead(of now: UnixTime) -> Bool {
        guard let current = shown.current else { return false }
        let first = now.minute.advanced(by: Limits.futureMinutes)
        if let lastMinuteBeyond, lastMinuteBeyond >= first { return true }
        let last = servedMinutes(around: current).upperBound
        guard first <= last else { return false }
        return (first...last).contains { minute in
            live[minute].contains { !$0.value.isZero }
        }
    }

    private func elapsed(from earlier: UnixTime, to later: UnixTime) -> Duration {
        .milliseconds((later - earlier.milliseconds).milliseconds)
    }
}
