package import CivilTime
package import Money

/// The exchange rates that a report was converted with.
package struct RatesStanding: Hashable, Sendable {
    /// A hash of the source's content.
    package var id: String
    /// The publisher, such as `ECB`.
    package var source: String
    /// The age of the total's rates: the first day, `YYYY-MM-DD`, such that rates from that day or
    /// earlier convert at least one hundredth of the money.
    package var date: String
    /// When they were fetched; nil if they came from a file.
    package var fetchedAt: UnixTime?
    /// True if newer rates are overdue for at least that part of the money.
    package var isStale: Bool
    /// The rounding policy of every converted amount, such as `half_even`.
    package var rounding: String
    /// The day of each rate.
    package var days: [Currency: String]
    /// Last good rates that convert money and differ from the source's present rates, by code.
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
