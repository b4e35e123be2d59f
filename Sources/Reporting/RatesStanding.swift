package import CivilTime

/// Which exchange rates a report was converted with.
package struct RatesStanding: Hashable, Sendable {
    /// A hash of what the source said.
    package var id: String
    /// Who published them, such as `ECB`.
    package var source: String
    /// The day they were observed on, `YYYY-MM-DD`.
    package var date: String
    /// When they were fetched; nil where they came from a file.
    package var fetchedAt: UnixTime?
    /// Whether newer ones should have come by now.
    package var isStale: Bool
    /// The rounding policy of every converted amount, such as `half_even`.
    package var rounding: String

    package init(
        id: String, source: String, date: String, fetchedAt: UnixTime?, isStale: Bool,
        rounding: String
    ) {
        self.id = id
        self.source = source
        self.date = date
        self.fetchedAt = fetchedAt
        self.isStale = isStale
        self.rounding = rounding
    }
}
