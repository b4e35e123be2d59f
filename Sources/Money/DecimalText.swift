/// Formats integer amounts as decimal text.
package enum DecimalText {
    /// `minorUnits` · 10^−`exponent` with exactly `exponent` fraction digits: a JSON number.
    ///
    /// `-5` with exponent 2 is `-0.05`, `123` with exponent 0 is `123`, zero has no sign.
    /// `exponent` must not be negative.
    package static func format(minorUnits: Int128, exponent: Int) -> String {
        precondition(exponent >= 0, "a currency's exponent is negative: \(exponent)")
        var digits = Array(String(minorUnits.magnitude).utf8)
        if digits.count <= exponent {
            digits.insert(
                contentsOf: repeatElement(0x30, count: exponent + 1 - digits.count), at: 0)
        }
        if exponent > 0 { digits.insert(UInt8(ascii: "."), at: digits.count - exponent) }
        if minorUnits < 0 { digits.insert(UInt8(ascii: "-"), at: 0) }
        return String(decoding: digits, as: UTF8.self)
    }

    /// Like the other `format`, with the digits of `currency`.
    package static func format(minorUnits: Int128, of currency: Currency) -> String {
        format(minorUnits: minorUnits, exponent: currency.exponent)
    }
}
