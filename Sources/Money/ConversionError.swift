/// Why a sum cannot be converted to a currency.
package enum ConversionError: Error, Hashable, CustomStringConvertible {
    /// The rate set has no rate for the target.
    case noRate(Currency)
    /// The sum does not fit 128 bits of the target's minor units.
    case overflow(Currency)

    package var description: String {
        switch self {
        case .noRate(let currency): "the rate set has no rate for \(currency)"
        case .overflow(let currency): "the sum does not fit 128 bits in \(currency)"
        }
    }
}
