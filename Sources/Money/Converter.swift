import BigInt

/// Converts sums of many currencies with one rate set, exactly: the total is a rational number
/// until it is rounded, once, to the target's minor unit.
///
/// With rate m·10^−s of a currency of exponent e, an amount of a minor units is worth a · 10^(s−e)
/// ÷ m units of the base. Over the common denominator L = lcm of all m this is a · w ÷ (L · 10^K)
/// with an integer weight w = (L ÷ m) · 10^(s−e+K), where K makes every power of ten whole. Weights
/// and divisors depend only on the rates and are computed once, so that a sum costs one
/// multiplication per currency, and each target one division. With 50 rates of six digits L has
/// about 1,000 bits.
package struct Converter: Sendable {
    package let rates: RateSet

    /// By currency index; nil if there is no rate.
    private let weights: [BigUInt?]
    /// By currency index: converts the sum's numerator to minor units of that currency.
    private let targets: [Target?]

    /// Minor units of a target are numerator · `factor` ÷ `divisor`.
    struct Target: Sendable {
        var factor: BigUInt
        var divisor: BigUInt
    }

    package init(rates: RateSet) {
        self.rates = rates
        var denominator = BigUInt(1)
        var scale = 0
        for currency in rates.currencies {
            guard let rate = rates.rate(of: currency) else { continue }
            let common = Self.greatestCommonDivisor(
                rate.mantissa, UInt64(denominator % BigUInt(rate.mantissa)))
            denominator *= BigUInt(rate.mantissa / common)
            scale = max(scale, currency.exponent - rate.scale)
        }
        let ten = BigUInt(10)
        weights = Currency.all.map { currency in
            guard let rate = rates.rate(of: currency) else { return nil }
            return denominator / BigUInt(rate.mantissa)
                * ten.power(rate.scale - currency.exponent + scale)
        }
        targets = Currency.all.map { currency in
            guard let rate = rates.rate(of: currency) else { return nil }
            let power = currency.exponent - rate.scale - scale
            return Target(
                factor: ten.power(max(power, 0)),
                divisor: denominator / BigUInt(rate.mantissa) * ten.power(max(-power, 0)))
        }
    }

    /// The exact sum of `amounts`, in minor units of their currencies. The order of the amounts
    /// does not matter, and a currency may occur more than once.
    package func sum(
        _ amounts: some Sequence<(currency: Currency, minorUnits: Int128)>
    ) -> ExactSum {
        var numerator = BigInt(0)
        var leftOut: Set<Currency> = []
        for (currency, minorUnits) in amounts where minorUnits != 0 {
            if let weight = weights[Int(currency.index)] {
                numerator += BigInt(minorUnits) * BigInt(weight)
            } else {
                leftOut.insert(currency)
            }
        }
        return ExactSum(numerator: numerator, leftOut: leftOut.sorted(), converter: self)
    }

    func target(_ currency: Currency) -> Target? { targets[Int(currency.index)] }

    /// Euclid's algorithm; the divisor of a number and zero is the number.
    private static func greatestCommonDivisor(_ a: UInt64, _ b: UInt64) -> UInt64 {
        var (a, b) = (a, b)
        while b != 0 { (a, b) = (b, a % b) }
        return a
    }
}
