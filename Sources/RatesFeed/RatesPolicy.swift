package import CivilTime
package import Money

/// Which rates are believed. Pure.
package struct RatesPolicy: Hashable, Sendable {
    /// The greatest factor, either way, between a rate and the last good one; nil for any.
    package var jumpFactorMax: ExchangeRate?
    /// A currency that every set must have a rate of; nil for none.
    package var requiredBase: Currency?
    /// Whether a date may lie in the future or before that of the last good rates. An operator's
    /// own file may: putting yesterday's rates back is a decision.
    package var allowsAnyDate: Bool

    /// How far a source's clock, or ours, may be wrong.
    static let clockErrorMaxMilliseconds: Int64 = 3_600_000
    /// A day begins this long before UTC's in the easternmost time zone.
    static let easternmostMilliseconds: Int64 = 14 * 3_600_000

    package init(
        jumpFactorMax: ExchangeRate?, requiredBase: Currency?, allowsAnyDate: Bool = false
    ) {
        self.jumpFactorMax = jumpFactorMax
        self.requiredBase = requiredBase
        self.allowsAnyDate = allowsAnyDate
    }

    /// Why the rates are not to be taken after the last good ones, with what is wrong in words
    /// that are safe to print; nil where nothing speaks against them.
    package func objection(
        to rates: PublishedRates, after last: RatesReading?, now: UnixTime
    ) -> (problem: RatesProblem, detail: String)? {
        if let requiredBase, rates.set.rate(of: requiredBase) == nil {
            return (.baseMissing, "no rate of \(requiredBase)")
        }
        if !allowsAnyDate {
            if Self.isInFuture(rates, now: now) {
                return (.dateInFuture, "dated \(rates.set.date)")
            }
            if let last, Self.isOlder(rates, than: last) {
                return (.dateWentBack, "dated \(rates.set.date) after \(last.set.date)")
            }
        }
        if let last, let jumpFactorMax,
            let currency = rates.set.jump(from: last.set, beyond: jumpFactorMax)
        {
            return (.jump, "\(currency) by more than \(jumpFactorMax)")
        }
        return nil
    }

    private static func isInFuture(_ rates: PublishedRates, now: UnixTime) -> Bool {
        if let publishedAt = rates.publishedAt {
            return publishedAt > now + clockErrorMaxMilliseconds
        }
        return rates.set.date > RFC3339.format(now + easternmostMilliseconds).prefix(10)
    }

    private static func isOlder(_ rates: PublishedRates, than last: RatesReading) -> Bool {
        if let publishedAt = rates.publishedAt, let before = last.publishedAt {
            return publishedAt < before
        }
        return rates.set.date < last.set.date
    }
}
