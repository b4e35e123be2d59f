package import CivilTime
package import Money

/// The exchange rates in force, with their age and their problems.
package struct RatesReading: Sendable {
    package let set: RateSet
    /// When these rates were first fetched; nil for rates of a file.
    package let fetchedAt: UnixTime?
    /// When the source last said, in this run, that these rates are current; nil if it has not yet,
    /// and for rates of a file.
    package let confirmedAt: UnixTime?
    /// The currencies that the topology converts and that have no rate, in the order of codes.
    package let missing: [Currency]
    /// The day of each rate, as `YYYY-MM-DD`.
    package let days: [Currency: String]
    /// Last good rates in use although the source now gives a different rate, or no sound one, in
    /// the order of codes.
    package let held: [HeldRate]
    /// When each rate becomes stale unless a newer one arrives; empty if rates never become stale.
    package let staleFrom: [Currency: UnixTime]

    package init(
        set: RateSet, fetchedAt: UnixTime? = nil, confirmedAt: UnixTime? = nil,
        missing: [Currency] = [], days: [Currency: String] = [:], held: [HeldRate] = [],
        staleFrom: [Currency: UnixTime] = [:]
    ) {
        self.set = set
        self.fetchedAt = fetchedAt
        self.confirmedAt = confirmedAt
        self.missing = missing
        self.days = days
        self.held = held
        self.staleFrom = staleFrom
    }

    /// The rates that should have been replaced by newer ones by now. The base is as old as the
    /// newest rate, so it is stale only if all others are.
    package func stale(at now: UnixTime) -> Set<Currency> {
        var stale = Set(staleFrom.lazy.filter { now >= $0.value }.map(\.key))
        if !staleFrom.isEmpty, stale.count == staleFrom.count { stale.insert(set.base) }
        return stale
    }
}
