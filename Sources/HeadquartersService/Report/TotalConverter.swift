package import Federation
package import Money

/// Converts exact totals per currency to every base currency. Pure.
///
/// A currency without a rate is never guessed: it is left out, and named. Without any rates each
/// base stands alone with its own money.
package struct TotalConverter: Sendable {
    package let bases: [Currency]
    private let unconverted: Set<Currency>
    private let converter: Converter?

    /// - Parameters:
    ///   - unconverted: currencies that are left out on purpose.
    ///   - rates: nil where none could be read yet, or none are configured.
    package init(bases: [Currency], unconverted: [Currency], rates: RateSet?) {
        self.bases = bases
        self.unconverted = Set(unconverted)
        converter = rates.map(Converter.init)
    }

    /// The sum of `totals` in each base, in the order of the bases and in their minor units, each
    /// rounded once, half to even; nil for a base without a rate.
    package func amounts(
        of totals: some Collection<PublishedTotals.CurrencyTotal>
    ) -> [Int128?] {
        guard let converter else {
            return bases.map { base in
                totals.reduce(0) { $1.currency == base ? $0 + $1.amount : $0 }
            }
        }
        let sum = converter.sum(
            totals.lazy.filter { !unconverted.contains($0.currency) }
                .map { (currency: $0.currency, minorUnits: $0.amount) })
        return bases.map { try? sum.minorUnits(in: $0) }
    }

    /// Whether money of `currency` is in the amounts of `base`, which has a rate.
    package func converts(_ currency: Currency, to base: Currency) -> Bool {
        guard !unconverted.contains(currency) else { return false }
        return converter.map { $0.rates.rate(of: currency) != nil } ?? (currency == base)
    }

    /// The currencies that some base leaves out for want of a rate, in the order of `totals`; an
    /// amount of zero needs none.
    package func leftOut(
        of totals: some Collection<PublishedTotals.CurrencyTotal>
    ) -> [Currency] {
        totals.filter { total in
            total.amount != 0 && !unconverted.contains(total.currency)
                && !bases.allSatisfy { converts(total.currency, to: $0) }
        }.map(\.currency)
    }
}
