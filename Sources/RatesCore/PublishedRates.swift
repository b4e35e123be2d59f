package import CivilTime
package import Money

/// What one document of a source says.
package struct PublishedRates: Hashable, Sendable {
    package struct Quote: Hashable, Sendable {
        /// Units per one unit of the base.
        package var rate: ExchangeRate
        /// The day that the source gives it, `YYYY-MM-DD`: some sources carry the last known rate
        /// of a currency forward.
        package var day: String

        package init(rate: ExchangeRate, day: String) {
            self.rate = rate
            self.day = day
        }
    }

    /// As shown to people.
    package var source: String
    package var base: Currency
    /// The newest day of the document.
    package var day: String
    /// Of every currency but the base.
    package var quotes: [Currency: Quote]
    /// What stands where a rate should be, and is none.
    package var flaws: [Currency: RatesProblem]
    /// When the source published the document; nil where it tells no more than days.
    package var publishedAt: UnixTime?

    package init(
        source: String, base: Currency, day: String, quotes: [Currency: Quote],
        flaws: [Currency: RatesProblem] = [:], publishedAt: UnixTime? = nil
    ) {
        self.source = source
        self.base = base
        self.day = day
        self.quotes = quotes
        self.flaws = flaws
        self.publishedAt = publishedAt
    }

    /// A set whose rates are all of its date.
    package init(_ set: RateSet, publishedAt: UnixTime? = nil) {
        var quotes: [Currency: Quote] = [:]
        for currency in set.currencies where currency != set.base {
            quotes[currency] = set.rate(of: currency).map { Quote(rate: $0, day: set.date) }
        }
        self.init(
            source: set.source, base: set.base, day: set.date, quotes: quotes,
            publishedAt: publishedAt)
    }
}
