package import CivilTime
import DeltaProtocol
package import Federation
package import Identifiers
import Money
import Topology

/// The publisher's core: it takes refreshes of the store and returns the totals to publish.
///
/// A value without clock or I/O. Its owner reads the store from `readPosition` on about once a
/// second, passes the refresh or reports that there was none, and requests the totals. The cost of
/// one turn depends on the minutes that changed, not on the minutes held.
///
/// - The window ends with the current minute. That is at most one minute after the greatest
///   observed-through of any region, and never moves back: a clock that jumps cannot empty the
///   window.
/// - A loss in the store never takes shown values back. A region whose store holds less than
///   what is shown keeps its last good values, which still leave the window with time, until
///   every shard of it is back at its watermark. A minute that is worth no less than before is
///   shown with its present values. Meanwhile the answer is degraded.
package struct Publication: Sendable {
    package let settings: PublicationSettings
    package private(set) var counters = PublicationCounters()

    /// In the order of the settings.
    private(set) var regions: [RegionPublication]
    private(set) var changes = MinuteChanges()
    private let indexByRegion: [RegionID: Int]
    private(set) var position: StorePosition?
    private var mustReadAll = true
    private var isStoreReachable = false
    /// When the store last answered.
    private var readAt: UnixTime?
    /// True if the store last reported that Redis may evict keys.
    private var mayEvict = false
    private var isTopologyOld = false
    private(set) var greatestObservedThrough: UnixTime?
    private(set) var currentMinute: Minute?
    /// The first minute that was read but is too far ahead of the window to be kept; nil if there
    /// is none.
    private var firstSkipped: Minute?
    private var checkedMinute: Minute?
    private(set) var dataAsOf: UnixTime?
    /// The currencies of the settings, by code.
    let currencies: [Currency]

    package init(settings: PublicationSettings) {
        self.settings = settings
        regions = settings.regions.map(RegionPublication.init)
        currencies = settings.currencies.sorted()
        var indexByRegion: [RegionID: Int] = [:]
        for (index, region) in settings.regions.enumerated() { indexByRegion[region.id] = index }
        self.indexByRegion = indexByRegion
    }

    /// Goes on from what was shown before a restart: from a whole checkpoint, whose regions may be
    /// others than those of the settings. Until the store has at least what the checkpoint stands
    /// on, its values are shown and slide on.
    package init(settings: PublicationSettings, restoring checkpoint: PublicationCheckpoint) {
        self.init(settings: settings)
        position = checkpoint.position
        currentMinute = checkpoint.currentMinute
        dataAsOf = checkpoint.dataAsOf
        var saved: [RegionID: PublicationCheckpoint.RegionState] = [:]
        for region in checkpoint.regions { saved[region.region] = region }
        for index in regions.indices {
            regions[index].advance(to: checkpoint.currentMinute)
            if let region = saved[regions[index].settings.id] {
                regions[index].restore(region, at: checkpoint.position)
            }
        }
        greatestObservedThrough = checkpoint.greatestObservedThrough
    }

    /// The position to read the store from; nil means everything.
    package var readPosition: StorePosition? { mustReadAll ? nil : position }

    /// Takes a refresh of the store at `now`, HQ's present.
    package mutating func take(_ refresh: StoreRefresh, now: UnixTime) {
        isStoreReachable = true
        readAt = now
        mayEvict = refresh.mayEvict
        isTopologyOld = refresh.isTopologyOld
        guard refresh.isFull || continues(refresh.position) else {
            counters.mismatchedRefreshes += 1
            mustReadAll = true
            return
        }
        let updates = makeUpdates(refresh, now: now)
        let observed = updates.flatMap(\.standings.values).compactMap(\.observedThrough)
        if let greatest = observed.max() {
            greatestObservedThrough = max(greatestObservedThrough ?? greatest, greatest)
        }
        if refresh.isFull { firstSkipped = nil }
        mustReadAll = false
        advance(now: now)
        // Without a proof from any shard there is no window yet for the minutes, and a publication
        // that waits for a full read takes nothing before it.
        guard let currentMinute, !mustReadAll else {
            mustReadAll = true
            return
        }
        position = refresh.position
        noteSkipped(refresh, current: currentMinute)

        // Only this turn's clocks count, so a clock that jumps and returns has no lasting effect.
        let retained = now.minute.advanced(by: 1 - Limits.retainedMinutes)
        let retainedFrom = max(retained, refresh.retainedFrom ?? retained)
        for index in regions.indices {
            if let logs = refresh.countedLogs[regions[index].settings.id],
                regions[index].count(logs), !refresh.isFull
            {
                // The values read so far belong to other logs.
                mustReadAll = true
            }
            regions[index].take(
                updates[index], current: currentMinute, retainedFrom: retainedFrom)
        }
        counters.recoveries = regions.reduce(0) { $0 + $1.recoveries }
        counters.losses = regions.reduce(0) { $0 + $1.losses }
        counters.minutesRead += refresh.minutes.count
        for index in regions.indices {
            let changed = regions[index].takeChanged()
            counters.minutesReplaced += changed.count
            changes.append(region: index, minutes: changed)
        }
        raiseDataAsOf()
    }

    /// Records that the store did not answer. The next read is a full one.
    package mutating func storeIsUnreachable() {
        isStoreReachable = false
        mustReadAll = true
    }

    /// Replaces the problems that commit rounds have detected.
    package mutating func take(_ findings: RegionFindings) {
        for index in regions.indices {
            let region = regions[index].settings.id
            regions[index].findings =
                (findings.drifted.contains(region) ? [.drift] : [])
                + (findings.skewed.contains(region) ? [.skew] : [])
        }
    }

    /// By region, minutes that the store lost and no node would resend on its own. The caller
    /// drops the region's watermarks, then calls `areFilledAgain`.
    package var losses: [RegionID: [Minute]] {
        var losses: [RegionID: [Minute]] = [:]
        for region in regions {
            let minutes = region.minutesToFill
            if !minutes.isEmpty { losses[region.settings.id] = minutes }
        }
        return losses
    }

    /// Records that the watermarks of these regions were dropped after the last refresh taken.
    package mutating func areFilledAgain(_ filled: some Sequence<RegionID>) {
        for region in filled {
            if let index = indexByRegion[region] { regions[index].isFilledAgain() }
        }
    }

    /// The totals at HQ's present; nil before any region has been seen.
    package mutating func totals(now: UnixTime) -> PublishedTotals? {
        advance(now: now)
        guard let currentMinute, let dataAsOf, let position else { return nil }
        if checkedMinute != currentMinute {
            checkedMinute = currentMinute
            checkSums()
        }

        var sums = [SlidingWindow.Sum](repeating: .init(), count: Currency.count)
        var regionTotals: [PublishedTotals.RegionTotal] = []
        let storeAge = readAt.map { Duration.milliseconds((now - $0.milliseconds).milliseconds) }
        let hasStore = isStoreReachable && storeAge.map { $0 <= settings.storeSilentAfter } ?? false
        var degradations = hasStore ? [] : [Degradation(.storeUnreachable)]
        if mayEvict { degradations.append(Degradation(.storeLoss)) }
        if isTopologyOld { degradations.append(Degradation(.topologyOld)) }
        for region in regions {
            for currency in currencies {
                let index = Int(currency.index)
                sums[index].amount += region.shown.sums[index].amount
                sums[index].transfers += region.shown.sums[index].transfers
            }
            regionTotals.append(
                PublishedTotals.RegionTotal(
                    region: region.settings.id, observedThrough: region.observedThrough,
                    isRecovering: region.isRecovering,
                    currencies: currencyTotals(region.shown.sums),
                    accounts: accounts(of: region, now: now)))
            degradations += region.degradations(
                now: now, readAt: readAt, dataAsOf: dataAsOf, settings: settings)
        }
        return PublishedTotals(
            currentMinute: currentMinute, dataAsOf: dataAsOf, position: position,
            currencies: currencyTotals(sums), regions: regionTotals, degradations: degradations)
    }
}

extension Publication {
    /// True if a refresh of changes continues from what has been taken.
    private func continues(_ next: StorePosition) -> Bool {
        guard let position = readPosition else { return false }
        return next.storeID == position.storeID && next.version >= position.version
    }

    private mutating func advance(now: UnixTime) {
        guard let greatest = greatestObservedThrough else { return }
        let bound = min(now.minute, greatest.minute.advanced(by: 1))
        let next = max(currentMinute ?? bound, bound)
        guard next != currentMinute else { return }
        // The window would come to minutes that were passed over: it waits for a full read.
        if let firstSkipped, PublishedRing.range(around: next).upperBound >= firstSkipped {
            mustReadAll = true
            return
        }
        counters.minutesEntered += currentMinute.map { $0.distance(to: next) } ?? 0
        currentMinute = next
        for index in regions.indices { regions[index].advance(to: next) }
    }

    /// Records minutes too far ahead of the window for the ring, which holds almost two days ahead.
    /// A window moves with its proofs, so a relay that was dead for longer produces such minutes.
    private mutating func noteSkipped(_ refresh: StoreRefresh, current: Minute) {
        let last = PublishedRing.range(around: current).upperBound
        let skipped = refresh.minutes.lazy.map(\.minute).filter { $0 > last }.min()
        firstSkipped = [firstSkipped, skipped].compactMap { $0 }.min()
        if refresh.isFull {
            for index in regions.indices { regions[index].beyond = [:] }
        }
        for minute in refresh.minutes where minute.minute > last {
            guard let index = indexByRegion[minute.region] else { continue }
            regions[index].beyond[minute.minute] = minute.values.isEmpty ? nil : minute.values
        }
    }

    /// The refresh by region, with its times bounded by HQ's clock.
    private func makeUpdates(
        _ refresh: StoreRefresh, now: UnixTime
    ) -> [RegionPublication.Update] {
        var updates = regions.map { region in
            RegionPublication.Update(
                now: now, isFull: refresh.isFull, minutes: [], standings: [:],
                partitionCounts: refresh.partitionCounts[region.settings.id] ?? [:],
                position: refresh.position, changedAt: refresh.changedAt)
        }
        for minute in refresh.minutes {
            if let index = indexByRegion[minute.region] { updates[index].minutes.append(minute) }
        }
        for (shard, standing) in refresh.standings {
            guard let index = indexByRegion[shard.region] else { continue }
            var bounded = standing
            bounded.observedThrough = standing.observedThrough.map { min($0, now) }
            updates[index].standings[shard] = bounded
        }
        return updates
    }

    private mutating func raiseDataAsOf() {
        let active = regions.filter { !$0.settings.isRetired }
        let observed = active.compactMap(\.observedThrough)
        guard let least = observed.min() else { return }
        guard let before = dataAsOf else {
            dataAsOf = least
            return
        }
        if observed.count == active.count { dataAsOf = max(before, least) }
    }

    private mutating func checkSums() {
        for index in regions.indices {
            counters.selfChecks += 1
            if regions[index].repairSums() {
                counters.selfCheckMismatches += 1
                mustReadAll = true
            }
        }
    }

    private func accounts(
        of region: RegionPublication, now: UnixTime
    ) -> PublishedTotals.RegionTotal.Accounts? {
        guard region.isRead else { return nil }
        return PublishedTotals.RegionTotal.Accounts(
            late: currencyTotals(region.late.sums), missed: currencyTotals(region.missed.sums),
            ahead: region.moneyAhead(of: now).map(currencyTotals) ?? [],
            corrections: region.corrections.map(currencyTotals) ?? [])
    }

    /// The totals of the published currencies, by code, without those that are zero.
    func currencyTotals(_ sums: [SlidingWindow.Sum]) -> [PublishedTotals.CurrencyTotal] {
        currencies.compactMap { currency in
            let sum = sums[Int(currency.index)]
            guard !sum.isZero else { return nil }
            return PublishedTotals.CurrencyTotal(
                currency: currency, amount: sum.amount, transfers: sum.transfers)
        }
    }
}

/// What happened so far.
package struct PublicationCounters: Hashable, Sendable {
    /// Comparisons of a region's running sums with its ring.
    package var selfChecks = 0
    /// Those that found a difference; the sums were replaced.
    package var selfCheckMismatches = 0
    /// How often a region's store was found to hold less than what was shown.
    package var recoveries = 0
    /// How often minutes were found missing that nothing had changed.
    package var losses = 0
    /// Refreshes that did not continue from `readPosition`; nothing of them was taken.
    package var mismatchedRefreshes = 0
    /// Minutes of regions that refreshes named.
    package var minutesRead = 0
    /// Minutes of regions that were then shown with other values than before.
    package var minutesReplaced = 0
    /// Minutes that entered the window of every region; as many left it.
    package var minutesEntered = 0

    package init() {}
}
