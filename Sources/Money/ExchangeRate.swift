/// A positive rate, exactly as a source wrote it: `mantissa` · 10^−`scale`.
///
/// Trailing zeros of the fraction are not kept: `1.10` and `1.1` are the same rate.
package struct ExchangeRate: Hashable, Sendable, CustomStringConvertible {
    /// 1 to 10^18 − 1.
    package let mantissa: UInt64
    /// Fraction digits, 0 to `maximumTextBytes`.
    package let scale: Int

    /// The rate 1.
    package static let one = ExchangeRate(mantissa: 1, scale: 0)
    /// The rate 1.5.
    package static let oneAndAHalf = ExchangeRate(mantissa: 15, scale: 1)

    /// The maximum length of a rate's text. Sources print 6 to 12 digits.
    package static let maximumTextBytes = 32
    /// The maximum number of digits from the first non-zero one to the last.
    package static let maximumDigits = 18

    private init(mantissa: UInt64, scale: Int) {
        self.mantissa = mantissa
        self.scale = scale
    }

    package var isAboveOne: Bool {
        // With a scale of 18 or more, none of at most 18 digits is before the decimal point.
        guard scale < Self.maximumDigits else { return false }
        return mantissa > (0..<scale).reduce(UInt64(1)) { power, _ in power * 10 }
    }

    /// Plain decimal text that parses to the same rate, without superfluous zeros.
    package var description: String {
        DecimalText.format(minorUnits: Int128(mantissa), exponent: scale)
    }

    /// Parses a decimal number in JSON's notation: digits, optionally with a decimal point and an
    /// exponent, so that `5.98e-05` is 0.0000598. No sign, no spaces, no superfluous leading zero.
    package init(_ text: String) throws(ExchangeRateError) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.maximumTextBytes else { throw .tooLong }
        let isNegative = bytes.first == UInt8(ascii: "-")
        let halves = (isNegative ? bytes.dropFirst() : bytes[...]).split(
            maxSplits: 1, omittingEmptySubsequences: false
        ) { $0 | 0x20 == UInt8(ascii: "e") }
        let parts = halves[0].split(
            separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, parts.allSatisfy(Self.isDigits),
            whole.count == 1 || whole.first != 0x30,
            let power = halves.count == 2 ? Self.power(halves[1]) : 0
        else { throw .malformed }

        let fraction = parts.count == 2 ? parts[1] : []
        var digits = (whole + fraction).drop { $0 == 0x30 }
        guard !isNegative, !digits.isEmpty else { throw .notPositive }
        var scale = fraction.count - power
        while scale > 0, digits.last == 0x30 {
            digits.removeLast()
            scale -= 1
        }
        guard digits.count + max(-scale, 0) <= Self.maximumDigits, scale <= Self.maximumTextBytes
        else { throw .tooLong }
        digits.append(contentsOf: repeatElement(0x30, count: max(-scale, 0)))
        mantissa = digits.reduce(0) { $0 * 10 + UInt64($1 - 0x30) }
        self.scale = max(scale, 0)
    }

    private static func isDigits(_ bytes: some Collection<UInt8>) -> Bool {
        !bytes.isEmpty && bytes.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// The power of ten after an `e`; nil if malformed. Its magnitude is capped at 1,000, which is
    /// far out of range for any rate.
    private static func power(_ bytes: ArraySlice<UInt8>) -> Int? {
        let isNegative = bytes.first == UInt8(ascii: "-")
        let digits = isNegative || bytes.first == UInt8(ascii: "+") ? bytes.dropFirst() : bytes
        guard isDigits(digits) else { return nil }
        let magnitude = digits.reduce(0) { min($0 * 10 + Int($1 - 0x30), 1_000) }
        return isNegative ? -magnitude : magnitude
    }
}
