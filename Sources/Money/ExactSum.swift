import BigInt

/// Money of many currencies as one exact rational number, not yet rounded.
package struct ExactSum: Sendable {
    private let numerator: BigInt
    /// Currencies omitted from the sum because they have no rate, in the order of their codes. An
    /// amount of zero needs no rate.
    package let leftOut: [Currency]
    private let converter: Converter

    init(numerator: BigInt, leftOut: [Currency], converter: Converter) {
        self.numerator = numerator
        self.leftOut = leftOut
        self.converter = converter
    }

    /// The sum in minor units of `target`, rounded once.
    package func minorUnits(
        in target: Currency, rounding: RoundingPolicy = .halfEven
    ) throws(ConversionError) -> Int128 {
        guard let scaling = converter.target(target) else { throw .noRate(target) }
        let rounded = rounding.quotient(
            of: numerator * BigInt(scaling.factor), by: scaling.divisor)
        guard let minorUnits = Int128(exactValue: rounded) else { throw .overflow(target) }
        return minorUnits
    }
}
