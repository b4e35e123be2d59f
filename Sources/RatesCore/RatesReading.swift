package import CivilTime
package import Money

/// The exchange rates in force, and where each stands.
package struct RatesReading: Sendable {
    package let set: RateSet
    /// When these rates were first fetched; nil where they came from a file.
    package let fetchedAt: UnixTime?
    /// When the source last said, in this run, that these rates are its present ones; nil where
    /// it has not yet, and where they came from a file.
    package let confirmedAt: UnixTime?
    /// The currencies that the topology converts and that have no rate, in the order of codes.
    package let missing: [Currency]
    /// The day of each rate, as `YYYY-MM-DD`.
    package let days: [Currency: String]
    /// Last good rates that are not what the source now says, in the order of codes.
    package let held: [HeldRate]
    /// From when on a newer rate of each should have come; none where they hold until they are
    /// replaced.
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

    /// The rates that newer ones should have replaced by now. That of the base is as old as the
    /// newest.
    package func stale(at now: UnixTime) -> Set<Currency> {
        var stale = Set(staleFrom.lazy.filter { now >= $0.value }.map(\.key))
        if !staleFrom.isEmpty, stale.count == staleFrom.count { stale.insert(set.base) }
        return stale
    }
}
