package import CivilTime
package import Money

/// The last good exchange rates, and where they stand.
package struct RatesReading: Sendable {
    package let set: RateSet
    /// When these rates were first fetched; nil where they came from a file.
    package let fetchedAt: UnixTime?
    /// When the source last said, in this run, that these rates are its present ones; nil where
    /// it has not yet, and where they came from a file.
    package let confirmedAt: UnixTime?
    /// When the source published them; nil where it tells no more than the set's date.
    package let publishedAt: UnixTime?
    /// The currencies that the topology converts, or that an earlier set had, and that this one
    /// has no rate for, in the order of their codes.
    package let missing: [Currency]
    /// The days of single rates that are older than the set's date, as `YYYY-MM-DD`.
    package let earlierDates: [Currency: String]
    /// From when on newer rates should have come; nil where these hold until they are replaced.
    package let staleFrom: UnixTime?

    package init(
        set: RateSet, fetchedAt: UnixTime? = nil, confirmedAt: UnixTime? = nil,
        publishedAt: UnixTime? = nil, missing: [Currency] = [],
        earlierDates: [Currency: String] = [:], staleFrom: UnixTime? = nil
    ) {
        self.set = set
        self.fetchedAt = fetchedAt
        self.confirmedAt = confirmedAt
        self.publishedAt = publishedAt
        self.missing = missing
        self.earlierDates = earlierDates
        self.staleFrom = staleFrom
    }

    /// Whether newer rates should have come by now.
    package func isStale(at now: UnixTime) -> Bool { staleFrom.map { now >= $0 } ?? false }
}
