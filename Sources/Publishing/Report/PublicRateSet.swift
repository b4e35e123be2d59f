package import Money

/// A rate set as the public is told of it, with the day of each rate. Its id names all of it.
package struct PublicRateSet: Hashable, Sendable {
    package struct Quote: Hashable, Sendable {
        package var currency: Currency
        /// Units per one unit of the base.
        package var rate: ExchangeRate
        /// The day that the source states for this rate, `YYYY-MM-DD`.
        package var day: String

        package init(currency: Currency, rate: ExchangeRate, day: String) {
            self.currency = currency
            self.rate = rate
            self.day = day
        }
    }

    package var id: String
    package var source: String
    /// The day of the set, `YYYY-MM-DD`.
    package var date: String
    package var base: Currency
    /// In the order of codes; the base has none.
    package var quotes: [Quote]

    /// - Parameter days: the day of each rate; without an entry it is the set's.
    package init(_ set: RateSet, days: [Currency: String] = [:]) {
        id = set.id
        source = set.source
        date = set.date
        base = set.base
        quotes = set.currencies.compactMap { currency in
            guard currency != set.base, let rate = set.rate(of: currency) else { return nil }
            return Quote(currency: currency, rate: rate, day: days[currency] ?? set.date)
        }
    }
}
