package import CivilTime
package import Money

/// The exchange rates of one report, and how fresh they are.
package struct RatesInForce: Sendable {
    package var set: RateSet
    /// Nil where they came from a file.
    package var fetchedAt: UnixTime?
    package var isStale: Bool

    package init(set: RateSet, fetchedAt: UnixTime? = nil, isStale: Bool) {
        self.set = set
        self.fetchedAt = fetchedAt
        self.isStale = isStale
    }
}
