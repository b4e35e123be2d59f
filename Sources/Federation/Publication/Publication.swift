package import CivilTime
import DeltaProtocol
import Money
import Topology

/// The publisher's core: fed with what the store says, it answers with the totals to publish.
///
/// A value without clock or I/O. Its owner reads the store from `readPosition` on about once a
/// second, gives it the refresh or tells it that there was none, and asks for the totals. What
/// one turn costs depends on the minutes that changed, not on those it holds.
///
/// - The window ends with the current minute, which is bounded by the greatest time that any
///   region has been observed through plus one minute, and never moves back: a clock that jumps
///   cannot empty the window.
/// - Values that were shown are never taken back because the store lost them: a region whose
///   store holds less than what is shown keeps its last good values, which go on sliding out,
///   until every shard of it is back where it was. The answer says so meanwhile.
package struct Publication: Sendable {
    package let settings: PublicationSettings
    package private(set) var counters = Counters()

    private var regions: [RegionPublication]
    private let indexByRegion: [RegionID: Int]
    private var position: StorePosition?
    private var mustReadAll = true
    private var isStoreReachable = false
    /// When the store last answered.
    private var readAt: UnixTime?
    private var greatestObservedThrough: UnixTime?
    private var currentMinute: Minute?
    private var checkedMinute: Minute?
    /// The first minute that the store still keeps, by the latest clock seen.
    private var retainedFrom = Minute(.min)
    private var dataAsOf: UnixTime?

    /// What happened so far.
    package struct Counters: Hashable, Sendable {
        /// Comparisons of a region's running sums with its ring.
        package var selfChecks = 0
        /// Those that found a difference; the sums were replaced.
        package var selfCheckMismatches = 0
        /// How often a region's store was found to hold less than what was shown.
        package var recoveries = 0
        /// Refreshes that did not continue from `readPosition`; nothing of them was taken.
        package var mismatchedRefreshes = 0

        package init() {}
    }

    package init(settings: PublicationSettings) {
        self.settings = settings
        regions = settings.regions.map(RegionPublication.init)
        var indexByRegion: [RegionID: Int] = [:]
        for (index, region) in settings.regions.enumerated() { indexByRegion[region.id] = index }
        self.indexByRegion = indexByRegion
    }

    /// From where on to read the store; nil means everything.
    package var readPosition: StorePosition? { mustReadAll ? nil : position }

    /// Takes what the store said at `now`, HQ's clock.
    package mutating func take(_ refresh: StoreRefresh, now: UnixTime) {
        isStoreReachable = true
        readAt = now
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
        advance(now: now)
        // Without a proof from any shard there is no window yet to put the minutes into.
        guard let currentMinute else { return }
        position = refresh.position
        mustReadAll = false

        retainedFrom = max(retainedFrom, now.minute.advanced(by: 1 - Limits.retainedMinutes))
        for index in regions.indices {
            regions[index].take(
                updates[index], current: currentMinute, retainedFrom: retainedFrom)
        }
        counters.recoveries = regions.reduce(0) { $0 + $1.recoveries }
        raiseDataAsOf()
    }

    /// Notes that the store did not answer. The next read is a full one.
    package mutating func storeIsUnreachable() {
        isStoreReachable = false
        mustReadAll = true
    }

    /// The totals at `now`, HQ's clock; nil before any region has been seen.
    package mutating func totals(now: UnixTime) -> PublishedTotals? {
        advance(now: now)
        guard let currentMinute, let dataAsOf, let position, let readAt else { return nil }
        if checkedMinute != currentMinute {
            checkedMinute = currentMinute
            checkSums()
        }

        var sums = [SlidingWindow.Sum](repeating: .init(), count: Currency.count)
        var regionTotals: [PublishedTotals.RegionTotal] = []
        let storeAge = Duration.milliseconds((now - readAt.milliseconds).milliseconds)
        let hasStore = isStoreReachable && storeAge <= settings.storeSilentAfter
        var degradations = hasStore ? [] : [Degradation(.storeUnreachable)]
        for region in regions {
            for index in sums.indices {
                sums[index].amount += region.shown.sums[index].amount
                sums[index].transfers += region.shown.sums[index].transfers
            }
            regionTotals.append(
                PublishedTotals.RegionTotal(
                    region: region.settings.id, observedThrough: region.observedThrough,
                    isRecovering: region.isRecovering,
                    currencies: currencyTotals(region.shown.sums)))
            degradations += region.degradations(
                now: now, readAt: readAt, dataAsOf: dataAsOf, settings: settings)
        }
        return PublishedTotals(
            currentMinute: currentMinute, dataAsOf: dataAsOf, position: position,
            currencies: currencyTotals(sums), regions: regionTotals, degradations: degradations)
    }
}

extension Publication {
    /// Whether a refresh of changes joins on to what has been taken.
    private func continues(_ next: StorePosition) -> Bool {
        guard let position = readPosition else { return false }
        return next.storeID == position.storeID && next.version >= position.version
    }

    private mutating func advance(now: UnixTime) {
        guard let greatest = greatestObservedThrough else { return }
        let bound = min(now.minute, greatest.minute.advanced(by: 1))
        let next = max(currentMinute ?? bound, bound)
        guard next != currentMinute else { return }
        currentMinute = next
        for index in regions.indices { regions[index].advance(to: next) }
    }

    /// The refresh by region, its times bounded by HQ's clock.
    private func makeUpdates(
        _ refresh: StoreRefresh, now: UnixTime
    ) -> [RegionPublication.Update] {
        var updates = regions.map { region in
            RegionPublication.Update(
                isFull: refresh.isFull, minutes: [], standings: [:],
                partitionCounts: refresh.partitionCounts[region.settings.id] ?? [:])
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

    private func currencyTotals(_ sums: [SlidingWindow.Sum]) -> [PublishedTotals.CurrencyTotal] {
        Currency.all.compactMap { currency in
            let sum = sums[Int(currency.index)]
            guard !sum.isZero, settings.currencies.contains(currency) else { return nil }
            return PublishedTotals.CurrencyTotal(
                currency: currency, amount: sum.amount, transfers: sum.transfers)
        }
    }
}
