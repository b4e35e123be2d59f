package import CivilTime
package import Money

/// The contents of one document of a source.
package struct PublishedRates: Hashable, Sendable {
    package struct Quote: Hashable, Sendable {
        /// Units per one unit of the base.
        package var rate: ExchangeRate
        /// The source's day for this rate, `YYYY-MM-DD`. It may be older than the document's,
        /// because some sources carry the last known rate of a currency forward.
        package var day: String

        package init(rate: ExchangeRate, day: String) {
            self.rate = rate
            self.day = day
        }
    }

    /// The name of the source, for display.
    package var source: String
    package var base: Currency
    /// The newest day of the document.
    package var day: String
    /// The rates by currency; the base has none.
    package var quotes: [Currency: Quote]
    /// The currencies whose element is not a rate, and why.
    package var flaws: [Currency: RatesProblem]
    /// When the source published the document; nil if it gives only days.
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

    /// The rates of a set, each with the set's date as its day.
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
