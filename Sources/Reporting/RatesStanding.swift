package import CivilTime
package import Money

/// Which exchange rates a report was converted with.
package struct RatesStanding: Hashable, Sendable {
    /// A hash of what the source said.
    package var id: String
    /// Who published them, such as `ECB`.
    package var source: String
    /// How old the total's rates are: the first day, `YYYY-MM-DD`, such that rates of it and of
    /// earlier ones convert at least one part in a hundred of the money.
    package var date: String
    /// When they were fetched; nil where they came from a file.
    package var fetchedAt: UnixTime?
    /// Whether newer ones should have come by now for at least that part of the money.
    package var isStale: Bool
    /// The rounding policy of every converted amount, such as `half_even`.
    package var rounding: String
    /// The day of each rate.
    package var days: [Currency: String]
    /// Last good rates that hold money and are not what the source now says, by code.
    package var held: [HeldRate]

    package init(
        id: String, source: String, date: String, fetchedAt: UnixTime?, isStale: Bool,
        rounding: String, days: [Currency: String] = [:], held: [HeldRate] = []
    ) {
        self.id = id
        self.source = source
        self.date = date
        self.fetchedAt = fetchedAt
        self.isStale = isStale
        self.rounding = rounding
        self.days = days
        self.held = held
    }
}
