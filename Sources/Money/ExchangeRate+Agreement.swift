import BigInt

extension ExchangeRate {
    /// True if neither of `a` ÷ `b` and `c` ÷ `d` is more than `factor` times the other. Exact.
    package static func agree(
        _ a: ExchangeRate, per b: ExchangeRate = .one, with c: ExchangeRate,
        per d: ExchangeRate = .one, within factor: ExchangeRate
    ) -> Bool {
        !isGreater([a, d], than: [c, b, factor]) && !isGreater([c, b], than: [a, d, factor])
    }

    /// True if the product of `a` is greater than the product of `b`. Exact.
    private static func isGreater(_ a: [ExchangeRate], than b: [ExchangeRate]) -> Bool {
        product(a, scale: b) > product(b, scale: a)
    }

    /// The product of the mantissas, times the power of ten that the other side is divided by.
    private static func product(_ rates: [ExchangeRate], scale others: [ExchangeRate]) -> BigUInt {
        let power = others.map(\.scale).reduce(0, +)
        return rates.map { BigUInt($0.mantissa) }.reduce(BigUInt(10).power(power), *)
    }
}
