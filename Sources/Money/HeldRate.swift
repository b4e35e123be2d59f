/// A last good rate that stays in use although its source now says something else of the currency,
/// or nothing that could be believed.
package struct HeldRate: Hashable, Sendable {
    package var currency: Currency
    /// Units per one of the set's base.
    package var rate: ExchangeRate
    /// The day of the rate, `YYYY-MM-DD`.
    package var day: String
    /// Why, in a word of the public contract, such as `jump` or `missing`.
    package var reason: String
    /// What the source says, and the day that it gives; nil where it has no rate.
    package var offered: ExchangeRate?
    package var offeredDay: String?

    package init(
        currency: Currency, rate: ExchangeRate, day: String, reason: String,
        offered: ExchangeRate? = nil, offeredDay: String? = nil
    ) {
        self.currency = currency
        self.rate = rate
        self.day = day
        self.reason = reason
        self.offered = offered
        self.offeredDay = offeredDay
    }
}
