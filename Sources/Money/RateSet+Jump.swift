import BigInt

extension RateSet {
    /// The first currency, in the order of codes, whose rate is more than `factor` times that of
    /// an earlier set, or less than the `factor`th part of it; nil where there is none.
    ///
    /// Sets of different bases are compared by cross rates. Currencies that only one of the sets
    /// has are not compared.
    package func jump(from earlier: RateSet, beyond factor: ExchangeRate) -> Currency? {
        let common = currencies.filter { earlier.rate(of: $0) != nil }
        guard let pivot = [base, earlier.base].first(where: common.contains) ?? common.first,
            let pivotNow = rate(of: pivot), let pivotBefore = earlier.rate(of: pivot)
        else { return nil }
        return common.first { currency in
            guard let now = rate(of: currency), let before = earlier.rate(of: currency) else {
                return false
            }
            // now ÷ pivotNow beside before ÷ pivotBefore.
            return Self.isGreater([now, pivotBefore], than: [before, pivotNow, factor])
                || Self.isGreater([before, pivotNow], than: [now, pivotBefore, factor])
        }
    }

    /// Whether one product of rates is above the other, exactly.
    private static func isGreater(_ a: [ExchangeRate], than b: [ExchangeRate]) -> Bool {
        product(a, scale: b) > product(b, scale: a)
    }

    /// The mantissas' product, times the power of ten that the other side divides by.
    private static func product(_ rates: [ExchangeRate], scale others: [ExchangeRate]) -> BigUInt {
        let power = others.map(\.scale).reduce(0, +)
        return rates.map { BigUInt($0.mantissa) }.reduce(BigUInt(10).power(power), *)
    }
}
