/// A positive rate, exactly as a source wrote it: `mantissa` · 10^−`scale`.
///
/// Trailing zeros of the fraction are not kept: `1.10` and `1.1` are the same rate.
package struct ExchangeRate: Hashable, Sendable, CustomStringConvertible {
    /// 1 to 10^18 − 1.
    package let mantissa: UInt64
    /// Fraction digits, 0 to `maximumTextBytes`.
    package let scale: Int

    /// One unit for one.
    package static let one = ExchangeRate(mantissa: 1, scale: 0)
    /// Three for two.
    package static let oneAndAHalf = ExchangeRate(mantissa: 15, scale: 1)

    /// A rate's text may be this long. Sources print 6 to 12 digits.
    package static let maximumTextBytes = 32
    /// A rate may have this many digits from its first non-zero one to its last.
    package static let maximumDigits = 18

    private init(mantissa: UInt64, scale: Int) {
        self.mantissa = mantissa
        self.scale = scale
    }

    package var isAboveOne: Bool {
        // A scale of 18 or more leaves no digit of 18 before the point.
        guard scale < Self.maximumDigits else { return false }
        return mantissa > (0..<scale).reduce(UInt64(1)) { power, _ in power * 10 }
    }

    /// Plain decimal text that reads as this rate again, without superfluous zeros.
    package var description: String {
        DecimalText.format(minorUnits: Int128(mantissa), exponent: scale)
    }

    /// Reads plain decimal text: digits, and a point between digits if any. No sign, no exponent,
    /// no spaces, no superfluous leading zero.
    package init(_ text: String) throws(ExchangeRateError) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.maximumTextBytes else { throw .tooLong }
        let isNegative = bytes.first == UInt8(ascii: "-")
        let unsigned = isNegative ? bytes.dropFirst() : bytes[...]

        let parts = unsigned.split(
            separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        let isPlain = parts.allSatisfy { part in
            !part.isEmpty && part.allSatisfy { (0x30...0x39).contains($0) }
        }
        guard isPlain, let whole = parts.first, whole.count == 1 || whole.first != 0x30 else {
            throw .malformed
        }

        var fraction = parts.count == 2 ? parts[1] : []
        while fraction.last == 0x30 { fraction.removeLast() }
        let digits = (whole + fraction).drop { $0 == 0x30 }
        guard !isNegative, !digits.isEmpty else { throw .notPositive }
        guard digits.count <= Self.maximumDigits else { throw .tooLong }
        mantissa = digits.reduce(0) { $0 * 10 + UInt64($1 - 0x30) }
        scale = fraction.count
    }
}
