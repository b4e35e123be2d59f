import BigInt

extension ExchangeRate {
    /// Whether `a` ÷ `b` and `c` ÷ `d` are within `factor` of each other, either way, exactly.
    package static func agree(
        _ a: ExchangeRate, per b: ExchangeRate = .one, with c: ExchangeRate,
        per d: ExchangeRate = .one, within factor: ExchangeRate
    ) -> Bool {
        !isGreater([a, d], than: [c, b, factor]) && !isGreater([c, b], than: [a, d, factor])
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
