package import CivilTime
package import Money

/// What one document of a source says.
package struct PublishedRates: Sendable {
    package var set: RateSet
    /// When the source published the set; nil where it tells no more than a day.
    package var publishedAt: UnixTime?
    /// The days of those rates that are older than the set's own, as `YYYY-MM-DD`: some sources
    /// carry the last known rate of a currency forward.
    package var earlierDates: [Currency: String]

    package init(
        set: RateSet, publishedAt: UnixTime? = nil, earlierDates: [Currency: String] = [:]
    ) {
        self.set = set
        self.publishedAt = publishedAt
        self.earlierDates = earlierDates
    }
}
