/// Why a text is no exchange rate. Descriptions are safe to print: they hold nothing of the text.
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
