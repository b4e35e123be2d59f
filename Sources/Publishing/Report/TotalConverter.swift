import Federation
package import Money

/// Converts exact totals per currency to every base currency. Pure.
///
/// It leaves out and names a currency without a rate. Without any rates, the amount in each base is
/// the money of that currency alone.
package struct TotalConverter: Sendable {
    package let bases: [Currency]
    private let unconverted: Set<Currency>
    private let converter: Converter?

    /// - Parameters:
    ///   - unconverted: currencies to leave out intentionally.
    ///   - rates: nil if none were read yet or none are configured.
    package init(bases: [Currency], unconverted: [Currency], rates: RateSet?) {
        self.bases = bases
        self.unconverted = Set(unconverted)
        converter = rates.map(Converter.init)
    }

    /// The sum of `totals` in minor units of each base, in the order of the bases. Each sum is
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

    /// The currencies that some base leaves out because a rate is missing, in the order of
    /// `totals`. An amount of zero needs no rate.
    package func leftOut(
        of totals: some Collection<PublishedTotals.CurrencyTotal>
    ) -> [Currency] {
        totals.filter { total in
            total.amount != 0 && !unconverted.contains(total.currency)
                && !bases.allSatisfy { converts(total.currency, to: $0) }
        }.map(\.currency)
    }
}
