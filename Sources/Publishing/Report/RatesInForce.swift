package import CivilTime
package import Money

/// The exchange rates of one report, and how fresh they are.
package struct RatesInForce: Sendable {
    package var set: RateSet
    /// Nil for rates of a file.
    package var fetchedAt: UnixTime?
    /// The day of each rate; a currency without an entry has the set's date.
    package var days: [Currency: String]
    /// The rates that should have been replaced by newer ones by now.
    package var stale: Set<Currency>
    /// Last good rates in use although the source now gives a different rate, or no sound one.
    package var held: [HeldRate]

    package init(
        set: RateSet, fetchedAt: UnixTime? = nil, days: [Currency: String] = [:],
        stale: Set<Currency> = [], held: [HeldRate] = []
    ) {
        self.set = set
        self.fetchedAt = fetchedAt
        self.days = days
        self.stale = stale
        self.held = held
    }

    /// Either every rate is stale or none is.
    package init(set: RateSet, fetchedAt: UnixTime? = nil, isStale: Bool) {
        self.init(set: set, fetchedAt: fetchedAt, stale: isStale ? Set(set.currencies) : [])
    }

    package func day(of currency: Currency) -> String { days[currency] ?? set.date }
}
