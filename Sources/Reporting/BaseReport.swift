package import Money

/// The report's figures converted to one base currency. Every amount is in minor units of
/// `currency`, and each was converted exactly and rounded once by itself: parts need not add up
/// to the total in the last digit.
package struct BaseReport: Hashable, Sendable {
    package var currency: Currency
    package var total: Int128
    /// Parallel to the report's `currencies`; nil for one that is not converted.
    package var currencies: [Int128?]
    /// What the report's `other` comes to; nil when there is none, or it has no rate.
    package var other: Int128?
    /// Parallel to the report's `regions`.
    package var regions: [Int128]
    /// The window's minutes, first to last, `Limits.windowMinutes` of them: what moved in each.
    /// Nil where a minute is not known, or has too few transfers to be shown.
    package var series: [Int128?]

    package init(
        currency: Currency, total: Int128, currencies: [Int128?], other: Int128?,
        regions: [Int128], series: [Int128?]
    ) {
        self.currency = currency
        self.total = total
        self.currencies = currencies
        self.other = other
        self.regions = regions
        self.series = series
    }
}
