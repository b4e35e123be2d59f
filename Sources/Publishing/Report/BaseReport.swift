package import Money

/// The report's figures converted to one base currency. Every amount is in minor units of
/// `currency`. Each is converted exactly and rounded once, separately, so parts need not add up to
/// the total in the last digit.
package struct BaseReport: Hashable, Sendable {
    package var currency: Currency
    package var total: Int128
    /// Parallel to the report's `currencies`; nil for a currency that is not converted.
    package var currencies: [Int128?]
    /// The converted sum of the report's `other`; nil if there is none, or it has no rate.
    package var other: Int128?
    /// Parallel to the report's `regions`.
    package var regions: [Int128]
    /// The sum of each minute of the window, first to last, `Limits.windowMinutes` of them. Nil if
    /// the minute is not known or has too few transfers to be published.
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
