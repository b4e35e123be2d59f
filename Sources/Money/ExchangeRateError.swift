/// Why a text is not an exchange rate. Descriptions do not quote the text, so they are safe to
/// print.
package enum ExchangeRateError: Error, Hashable, CustomStringConvertible {
    /// Not decimal text.
    case malformed
    /// Zero, or a negative number.
    case notPositive
    /// More bytes or digits than a rate may have.
    case tooLong

    package var description: String {
        switch self {
        case .malformed: "a rate in decimal digits"
        case .notPositive: "a rate above zero"
        case .tooLong:
            "a rate of at most \(ExchangeRate.maximumDigits) digits"
                + " in \(ExchangeRate.maximumTextBytes) bytes"
        }
    }
}
