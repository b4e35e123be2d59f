package import CivilTime
package import Identifiers
package import Money

/// All public information of one tick, in exact values, already reduced to what may be published:
/// rendering only formats it. Immutable; equal reports render alike.
package struct PublicReport: Hashable, Sendable {
    /// Identifies the store state that the report is based on, in printable ASCII without spaces.
    /// Replicas that read the same state use the same version.
    package var version: String
    /// The last minute of the window.
    package var currentMinute: Minute
    /// The time up to which every region has been seen. It never goes back.
    package var dataAsOf: UnixTime
    /// When the report was made, by HQ's clock.
    package var madeAt: UnixTime
    /// By currency code. A currency whose figure would expose single transfers is in `other`
    /// instead.
    package var currencies: [CurrencyFigure]
    /// The sum of currencies with too few transfers to be published; nil if there are none.
    package var other: OtherFigure?
    /// By region name, every region of the topology.
    package var regions: [RegionStanding]
    /// Nil while no rates are known.
    package var rates: RatesStanding?
    /// Why the answer is incomplete or stale; empty if it is neither.
    package var degradations: [ReportedDegradation]
    package var accounts: Accounts
    /// In the order of the topology; a base without a rate is omitted.
    package var bases: [BaseReport]
    /// The base of an answer to a query without a base. It is in `bases` if it has a rate.
    package var defaultBase: Currency

    package init(
        version: String, currentMinute: Minute, dataAsOf: UnixTime, madeAt: UnixTime,
        currencies: [CurrencyFigure], other: OtherFigure?, regions: [RegionStanding],
        rates: RatesStanding?, degradations: [ReportedDegradation], accounts: Accounts,
        bases: [BaseReport], defaultBase: Currency
    ) {
        self.version = version
        self.currentMinute = currentMinute
        self.dataAsOf = dataAsOf
        self.madeAt = madeAt
        self.currencies = currencies
        self.other = other
        self.regions = regions
        self.rates = rates
        self.degradations = degradations
        self.accounts = accounts
        self.bases = bases
        self.defaultBase = defaultBase
    }

    package var isDegraded: Bool { !degradations.isEmpty }

    package func base(_ currency: Currency) -> BaseReport? {
        bases.first { $0.currency == currency }
    }
}

/// The sum of one currency in the window.
package struct CurrencyFigure: Hashable, Sendable {
    package var currency: Currency
    /// In minor units of `currency`.
    package var amount: Int128
    package var transfers: Int128

    package init(currency: Currency, amount: Int128, transfers: Int128) {
        self.currency = currency
        self.amount = amount
        self.transfers = transfers
    }
}

/// Currencies combined into one figure: their number, and their transfers. Their converted sum is
/// in the base report.
package struct OtherFigure: Hashable, Sendable {
    package var currencies: Int
    package var transfers: Int128

    package init(currencies: Int, transfers: Int128) {
        self.currencies = currencies
        self.transfers = transfers
    }
}

/// Money outside the total. Each account is sorted by region name, then currency code; nil if it
/// has not been read.
package struct Accounts: Hashable, Sendable {
    /// Transfers that arrived more than 25 hours late, or whose minute is not known well enough to
    /// detect repeats: not in the total, an upper bound.
    package var late: [AccountFigure]?
    /// Transfers that reached headquarters after their minute had expired, because of an outage of
    /// more than a day: not in the total, an upper bound.
    package var missed: [AccountFigure]?
    /// Money in minutes more than 5 minutes ahead: not yet in the total.
    package var ahead: [AccountFigure]?
    /// The sum of corrections in the totals; `count` is the number of corrected buckets.
    package var corrections: [AccountFigure]?

    package init(
        late: [AccountFigure]? = nil, missed: [AccountFigure]? = nil,
        ahead: [AccountFigure]? = nil, corrections: [AccountFigure]? = nil
    ) {
        self.late = late
        self.missed = missed
        self.ahead = ahead
        self.corrections = corrections
    }
}

/// One region's sum in one currency.
package struct AccountFigure: Hashable, Sendable {
    package var region: RegionID
    package var currency: Currency
    /// In minor units of `currency`; nil if `count` is so small that it would reveal single
    /// transfers.
    package var amount: Int128?
    /// The number of transfers, or of buckets for corrections.
    package var count: Int128

    package init(region: RegionID, currency: Currency, amount: Int128?, count: Int128) {
        self.region = region
        self.currency = currency
        self.amount = amount
        self.count = count
    }
}
