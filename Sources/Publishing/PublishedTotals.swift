package import CivilTime
package import Federation
package import Identifiers
package import Money

/// One consistent answer to "how much money moved in the window": exact sums per currency, and the
/// facts that a reader needs to trust them. Conversion happens later, from these.
package struct PublishedTotals: Hashable, Sendable {
    /// The last minute of the window.
    package var currentMinute: Minute
    /// The time up to which every region has been seen. It never goes back.
    package var dataAsOf: UnixTime
    /// The store's position that the totals reflect.
    package var position: StorePosition
    /// By currency code, without currencies that have neither money nor transfers in the window.
    package var currencies: [CurrencyTotal]
    /// By region name; every region of the settings.
    package var regions: [RegionTotal]
    /// By region name, those without a region first, then in the order of the reasons.
    package var degradations: [Degradation]

    package init(
        currentMinute: Minute, dataAsOf: UnixTime, position: StorePosition,
        currencies: [CurrencyTotal], regions: [RegionTotal], degradations: [Degradation]
    ) {
        self.currentMinute = currentMinute
        self.dataAsOf = dataAsOf
        self.position = position
        self.currencies = currencies
        self.regions = regions
        self.degradations = degradations
    }

    package var isDegraded: Bool { !degradations.isEmpty }

    /// The sum of one currency in the window.
    package struct CurrencyTotal: Hashable, Sendable {
        package var currency: Currency
        /// Settled transfers and corrections, in minor units.
        package var amount: Int128
        package var transfers: Int128

        package init(currency: Currency, amount: Int128, transfers: Int128) {
            self.currency = currency
            self.amount = amount
            self.transfers = transfers
        }
    }

    /// The sums of one region in the window.
    package struct RegionTotal: Hashable, Sendable {
        package var region: RegionID
        /// The time up to which all the region's partitions have been seen; nil before the first
        /// push.
        package var observedThrough: UnixTime?
        /// True if last good values are shown because the store has not recovered everything.
        package var isRecovering: Bool
        /// Like `PublishedTotals.currencies`.
        package var currencies: [CurrencyTotal]
        /// Nil until the store has been read in full.
        package var accounts: Accounts?

        /// Money outside the totals, each account like `PublishedTotals.currencies`.
        package struct Accounts: Hashable, Sendable {
            /// Late money in the window: not in the total, an upper bound.
            package var late: [CurrencyTotal]
            /// Money that arrived within the window after its minute had expired: not in the total,
            /// an upper bound.
            package var missed: [CurrencyTotal]
            /// Money in minutes more than 5 minutes ahead: not yet in the total.
            package var ahead: [CurrencyTotal]
            /// The sum of corrections in the totals; `transfers` counts the corrected buckets.
            package var corrections: [CurrencyTotal]

            package init(
                late: [CurrencyTotal] = [], missed: [CurrencyTotal] = [],
                ahead: [CurrencyTotal] = [], corrections: [CurrencyTotal] = []
            ) {
                self.late = late
                self.missed = missed
                self.ahead = ahead
                self.corrections = corrections
            }
        }

        package init(
            region: RegionID, observedThrough: UnixTime?, isRecovering: Bool,
            currencies: [CurrencyTotal], accounts: Accounts? = nil
        ) {
            self.accounts = accounts
            self.region = region
            self.observedThrough = observedThrough
            self.isRecovering = isRecovering
            self.currencies = currencies
        }
    }
}

/// One reason why an answer is incomplete or stale.
package struct Degradation: Hashable, Sendable {
    package var reason: Reason
    /// Nil if the reason does not belong to a region.
    package var region: RegionID?

    package init(_ reason: Reason, region: RegionID? = nil) {
        self.reason = reason
        self.region = region
    }

    package enum Reason: String, Hashable, Sendable, CaseIterable {
        /// The store did not answer; the last good values are shown.
        case storeUnreachable = "store_unreachable"
        /// The store counts logs by a later topology than this HQ's.
        case topologyOld = "topology_old"
        /// Minutes of the region went missing in the store without a listed change or, without a
        /// region, Redis is configured to evict keys. The last good values are shown.
        case storeLoss = "store_loss"
        /// The store lost data of the region and has not recovered all of it.
        case storeRefilling = "store_refilling"
        /// The region has never pushed.
        case regionMissing = "region_missing"
        /// Some of the region's partitions have never been seen.
        case partitionsMissing = "partitions_missing"
        /// A shard of the region has not pushed for too long.
        case regionSilent = "region_silent"
        /// The region's event time is too far behind the clock.
        case regionLagging = "region_lagging"
        /// Some minutes of the window are not known in full: their late transfers are counted
        /// separately, because they may be repeats.
        case incomplete
        /// The region has money in minutes more than 5 minutes ahead, in no window yet.
        case ahead
        /// Many of a shard's latest records were rejected.
        case rejecting
        /// Many of a shard's latest records were late, or may be repeats.
        case lateMoney = "late_money"
        /// The store differs from the region at the same coverage, and resending did not help.
        case drift
        /// The clocks of the region and of headquarters differ by more than a minute.
        case skew
    }
}
