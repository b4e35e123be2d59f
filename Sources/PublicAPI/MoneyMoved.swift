package import CivilTime
package import Money

/// The public answer to "how much money moved in the last 24 hours" in one base currency.
package struct MoneyMoved: Hashable, Sendable {
    package var base: Currency
    /// In minor units of `base`.
    package var amount: Int128
    package var dataAsOf: UnixTime
    package var isDegraded: Bool

    package init(base: Currency, amount: Int128, dataAsOf: UnixTime, isDegraded: Bool) {
        self.base = base
        self.amount = amount
        self.dataAsOf = dataAsOf
        self.isDegraded = isDegraded
    }

    /// The five fields of the contract, in its order. The amount is a JSON number with exactly the
    /// currency's decimals, formatted from the integer without floating point.
    package var json: String {
        """
        {"time_window":"24h","base_currency":"\(base.code)",\
        "total_amount":\(DecimalText.format(minorUnits: amount, of: base)),\
        "data_as_of":"\(RFC3339.format(dataAsOf))","is_degraded":\(isDegraded)}
        """
    }
}
