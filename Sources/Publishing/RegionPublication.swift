import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money
import Topology

/// The publisher's state of one region: what the store holds (`live`), and what is shown, which is
/// the same unless the store has lost data that was shown before.
///
/// A shard's buckets are a function of its log up to the watermark, so "the store has at least what
/// is shown" is a comparison of watermarks, whatever happened to the database meanwhile.
struct RegionPublication: Sendable {
    /// The state of one shard that the shown values are based on.
    struct Mark: Hashable, Sendable {
        var watermark: Int64
        /// The earliest first-complete minute among the states that were shown.
        var completeFrom: Minute
    }

    private(set) var settings: PublicationSettings.RegionSettings
    private(set) var shown = SlidingWindow()
    private(set) var marks: [ShardID: Mark] = [:]
    /// The time up to which the shown values have seen every expected partition.
    private(set) var observedThrough: UnixTime?
    /// When the store was found to hold less than what is shown; nil while it holds everything.
    private(set) var recoveringSince: Minute?
    /// How often that happened.
    private(set) var recoveries = 0
    /// True if minutes went missing without a listed change.
    private(set) var hasLoss = false {
        didSet { if hasLoss, !oldValue { losses += 1 } }
    }
    /// How often that was found.
    private(set) var losses = 0

    private(set) var live = PublishedRing()
    private(set) var standings: [ShardID: ShardStanding] = [:]
    private(set) var trends: [ShardID: OutcomeTrend] = [:]
    private(set) var partitionCounts: [LogID: Int32] = [:]
    /// The first minute that is shown live; earlier ones keep their last good values.
    private var shownLiveFrom = Minute(.min)
    /// True if the shown values were restored and not yet compared with the store.
    private var isRestored = false
    /// Minutes with money that are too far ahead for the ring.
    var beyond: [Minute: PublishedRing.Values] = [:]
    /// The last minute that `live` ever had values for.
    private(set) var liveThrough = Minute(.min)
    /// Late money, as last read from the store.
    private(set) var late = SlidingWindow()
    /// Missed money by minute of arrival, as last read from the store.
    private(set) var missed = SlidingWindow()
    /// Shown minutes that have corrections, with only the corrected currencies.
    private(set) var corrected: [Minute: PublishedRing.Values] = [:]
    /// True once the store has been read in full.
    var isRead: Bool { readAt != nil }
    /// Problems that commit rounds have detected, in the order of `Degradation.Reason`.
    var findings: [Degradation.Reason] = []
    /// The store's position when everything shown had been read, and at the last read.
    private var shownAt: StorePosition?
    private var readAt: StorePosition?
    /// Minutes shown with other values than before, until `takeChanged`.
    private var changed: [Minute] = []
    /// Minutes that hold less than before; true if only a loss explains it.
    var lost: [Minute: Bool] = [:]
    /// True if the shards were told to send everything again since `lost` was found.
    var isBeingFilled = false

    init(settings: PublicationSettings.RegionSettings) {
        self.settings = settings
    }

    var isRecovering: Bool { recoveringSince != nil }

    mutating func advance(to current: Minute) {
        shown.advance(to: current)
        late.advance(to: current)
        missed.advance(to: current)
        if !corrected.isEmpty {
            let first = servedMinutes(around: current).lowerBound
            corrected = corrected.filter { $0.key >= first }
        }
    }

    mutating func repairSums() -> Bool {
        shown.repairSums()
    }

    /// Adopts the store's list of counted logs, the last of which is being written. True if it
    /// differs from the settings.
    mutating func count(_ logs: [LogID]) -> Bool {
        guard let current = logs.last,
            settings.currentLogs != [current] || settings.earlierLogs != logs.dropLast()
        else { return false }
        settings.currentLogs = [current]
        settings.earlierLogs = Array(logs.dropLast())
        // Money of a log that no longer counts is not lost.
        (readAt, shownAt, lost) = (nil, nil, [:])
        return true
    }

    /// The minutes shown with other values since the last call.
    mutating func takeChanged() -> [Minute] {
        defer { changed.removeAll(keepingCapacity: true) }
        return changed
    }

    /// A refresh of the store for this region.
    struct Update {
        /// HQ's present.
        var now: UnixTime
        var isFull: Bool
        var minutes: [RegionMinute]
        var standings: [ShardID: ShardStanding]
        var partitionCounts: [LogID: Int32]
        /// The store's position.
        var position: StorePosition
        /// In a full view, the version at which each listed minute last changed.
        var changedAt: [Minute: Int64]
    }

    /// Takes a refresh. `current` is the window's last minute, `retainedFrom` the first one that
    /// the store still keeps: a full read says nothing about earlier ones.
    mutating func take(_ update: Update, current: Minute, retainedFrom: Minute) {
        // Copied only for a full view, because copying touches every slot.
        let before = update.isFull ? live : nil
        let changed = applyToLive(update, current: current, retainedFrom: retainedFrom)
        if let before {
            noteLosses(update, since: before, at: readAt, current, retainedFrom)
            noteLosses(update, since: shown.ring, at: shownAt, current, retainedFrom)
        }
        if update.isFull || readAt != nil { readAt = update.position }
        takeStandings(update.standings, now: update.now)
        partitionCounts.merge(update.partitionCounts) { _, new in new }

        forgetOutlivedMarks(current: current)
        let first = firstMinuteToShowLive()
        forgetFoundMinutes(liveFrom: first, current: current, retainedFrom: retainedFrom)
        if first != nil, !lost.isEmpty { hasLoss = true }
        guard let liveFrom = first, lost.isEmpty else {
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
        hasLoss = false
        isBeingFilled = false
        isRestored = false
        shownAt = readAt
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

    /// While a shard is being written, its earlier liveness still applies.
    private mutating func takeStandings(_ new: [ShardID: ShardStanding], now: UnixTime) {
        // A dropped shard is refilled by the same node, whose counters continue.
        trends = trends.filter { counts($0.key.log) }
        for (shard, standing) in new where !standing.isTorn {
            let isCaughtUp = standing.observedThrough.map {
                now < $0 + OutcomeTrend.caughtUpMilliseconds
            }
            trends[shard, default: OutcomeTrend()].take(
                standing, isCaughtUp: isCaughtUp ?? false, now: now)
        }
        var taken = new
        for (shard, standing) in new where standing.isTorn {
            guard let before = standings[shard] else { continue }
            taken[shard]?.observedThrough = before.observedThrough
            taken[shard]?.receivedAt = before.receivedAt
        }
        standings = taken
    }

    /// The minutes that may have changed, each with its new values in `live`.
    private mutating func applyToLive(
        _ update: Update, current: Minute, retainedFrom: Minute
    ) -> [Minute] {
        var changed: [Minute] = []
        if update.isFull {
            for minute in servedMinutes(around: current) where minute >= retainedFrom {
                if !late.ring[minute].isEmpty { late.replace(minute, with: []) }
                if !missed.ring[minute].isEmpty { missed.replace(minute, with: []) }
                guard !live[minute].isEmpty else { continue }
                live[minute] = []
                changed.append(minute)
            }
        }
        let served = PublishedRing.range(around: current)
        for minute in update.minutes where served.contains(minute.minute) {
            // A change in any region re-reads the minute of all regions, so a hash lost in this
            // one shows here. A healing can also leave fewer transfers; that costs one
            // unnecessary refill.
            if !update.isFull, readAt != nil, minute.minute >= retainedFrom,
                Self.hasFewer(minute.values, than: live[minute.minute])
            {
                note(lost: minute.minute, isCertain: false)
            }
            live[minute.minute] = minute.values
            if !minute.values.isEmpty { liveThrough = max(liveThrough, minute.minute) }
            late.replace(minute.minute, with: minute.late)
            missed.replace(minute.minute, with: minute.missed)
            changed.append(minute.minute)
        }
        return changed
    }

    func servedMinutes(around current: Minute) -> ClosedRange<Minute> {
        PublishedRing.range(around: current)
    }

    private mutating func show(_ minute: Minute) {
        guard minute >= shownLiveFrom else { return }
        let values = live[minute]
        guard shown.ring[minute] != values else { return }
        replaceShown(minute, with: values)
        changed.append(minute)
    }

    private mutating func replaceShown(_ minute: Minute, with values: PublishedRing.Values) {
        shown.replace(minute, with: values)
        let corrections = values.filter { $0.value.correction != 0 }
        if !corrections.isEmpty || corrected[minute] != nil {
            corrected[minute] = corrections.isEmpty ? nil : corrections
        }
    }

    /// Shows a minute although the store holds less than what is shown, unless the minute would
    /// show less of anything than before: refilled values appear, missing ones remain.
    private mutating func showUnlessLess(_ minute: Minute) {
        let values = live[minute]
        guard shown.ring[minute] != values, !Self.isLess(values, than: shown.ring[minute]) else {
            return
        }
        let known = Set(shown.ring[minute].map(\.currency))
        // A correction can make an empty bucket negative.
        guard values.allSatisfy({ known.contains($0.currency) || $0.value.publishedWide >= 0 })
        else { return }
        replaceShown(minute, with: values)
        changed.append(minute)
    }

    /// True if a currency has fewer transfers than before.
    static func hasFewer(
        _ values: PublishedRing.Values, than before: PublishedRing.Values
    ) -> Bool {
        before.contains { entry in
            let now = values.first { $0.currency == entry.currency }?.value ?? .zero
            return now.transfers < entry.value.transfers
        }
    }

    /// True if a currency has fewer transfers or a smaller sum than before, or the same transfers
    /// and a greater correction: a lost hash may have held nothing but a negative one.
    static func isLess(
        _ values: PublishedRing.Values, than before: PublishedRing.Values
    ) -> Bool {
        before.contains { entry in
            let now = values.first { $0.currency == entry.currency }?.value ?? .zero
            if now.transfers < entry.value.transfers { return true }
            if now.publishedWide < entry.value.publishedWide { return true }
            return now.transfers == entry.value.transfers
                && now.correction > entry.value.correction
        }
    }
}

// MARK: The basis of the shown values

extension RegionPublication {
    /// The first minute whose live values are at least what is shown. Nil while some shard is below
    /// its mark or is being written, or while the log that replaces its own is behind.
    ///
    /// A shard refilled by a node with less history than HQ had is back at its watermark without
    /// its earlier minutes: those keep their last good values until they leave the window.
    func firstMinuteToShowLive() -> Minute? {
        if standings.contains(where: { counts($0.key.log) && $0.value.isTorn }) { return nil }
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

    /// True if the current logs have seen everything shown, part of which came from a log that no
    /// longer counts.
    private var hasReplacement: Bool {
        guard let observedThrough else { return true }
        let seen = expectedStandings()
        return seen.missing == 0
            && seen.known.allSatisfy { $0.observedThrough.map { $0 >= observedThrough } ?? false }
    }

    /// True if nothing is missing that a node could refill.
    private var currentLogsAreBack: Bool {
        marks.allSatisfy { shard, mark in
            !settings.currentLogs.contains(shard.log)
                || (standings[shard]?.watermark ?? -1) >= mark.watermark
        }
    }

    /// Makes the present standings the basis of the shown values. A partially refilled shard keeps
    /// its mark.
    private mutating func raiseMarks() {
        for (shard, standing) in standings
        where counts(shard.log) && !standing.isTorn
            && standing.watermark >= marks[shard]?.watermark ?? 0
        {
            let earlier = marks[shard]?.completeFrom ?? standing.completeFrom
            marks[shard] = Mark(
                watermark: standing.watermark,
                completeFrom: min(earlier, standing.completeFrom))
        }
    }

    /// After a whole window nothing remains of what was shown before the loss, so there is nothing
    /// to wait for. A shard that no node refills (an earlier log's) thus cannot keep its region
    /// from being shown in full forever.
    private mutating func forgetOutlivedMarks(current: Minute) {
        if let since = recoveringSince, since.distance(to: current) >= Limits.windowMinutes {
            marks = [:]
            lost = [:]
        }
    }

    /// True if a log's values count: the topology may have replaced it since it was shown.
    func counts(_ log: LogID) -> Bool {
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

    /// The standings of the current logs' partitions, and how many partitions have none. A log
    /// whose partition count was never reported counts as one missing.
    func expectedStandings() -> (known: [ShardStanding], missing: Int) {
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
    func checkpoint(minutes: [Minute]?) -> PublicationCheckpoint.RegionState {
        var values: [PublicationCheckpoint.MinuteValues] = []
        if let minutes {
            values = minutes.map { .init(minute: $0, values: shown.ring[$0]) }
        } else if let current = shown.current {
            let first = SlidingWindow.minutes(endingWith: current).lowerBound
            for minute in first...PublishedRing.range(around: current).upperBound
            where !shown.ring[minute].isEmpty {
                values.append(.init(minute: minute, values: shown.ring[minute]))
            }
        }
        return PublicationCheckpoint.RegionState(
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

    /// Shows what a checkpoint says, in place of nothing; the window stands where it ended then.
    mutating func restore(_ saved: PublicationCheckpoint.RegionState, at position: StorePosition) {
        guard let current = shown.current else {
            preconditionFailure("a region was restored before its window had a position")
        }
        let served = PublishedRing.range(around: current)
        for minute in saved.minutes where served.contains(minute.minute) {
            replaceShown(minute.minute, with: minute.values)
        }
        observedThrough = saved.observedThrough
        recoveringSince = saved.recoveringSince
        for log in saved.partitionCounts { partitionCounts[log.log] = log.count }
        for mark in saved.marks {
            let shard = ShardID(region: settings.id, log: mark.log, partition: mark.partition)
            marks[shard] = Mark(watermark: mark.watermark, completeFrom: mark.completeFrom)
        }
        isRestored = true
        // Money of a log that no longer counts is not lost.
        shownAt = marks.keys.allSatisfy { counts($0.log) } ? position : nil
    }
}
