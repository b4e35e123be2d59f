/// A last good rate that stays in use because its source now gives a different rate that is not yet
/// trusted, or no valid rate.
package struct HeldRate: Hashable, Sendable {
    package var currency: Currency
    /// Units per one of the set's base.
    package var rate: ExchangeRate
    /// The day of the rate, `YYYY-MM-DD`.
    package var day: String
    /// Why the rate is held, in the public interface's words: `jump`, `missing` and so on.
    package var reason: String
    /// The rate that the source gives instead, and its day; nil if it gives no valid rate.
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
