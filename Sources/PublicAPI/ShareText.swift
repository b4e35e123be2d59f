/// The share of an amount in a whole, as decimal text with a fixed number of digits.
enum ShareText {
    static let digits = 6
    private static let scale: Int128 = 1_000_000

    /// `part` ÷ `whole` as a JSON number with exactly six decimals, rounded half to even. Nil if
    /// the whole is zero.
    static func format(_ part: Int128, of whole: Int128) -> String? {
        guard whole != 0 else { return nil }
        var (part, whole) = (part, whole)
        // Amounts beyond 10^32 lose digits that do not affect six decimals.
        while part.magnitude > UInt128(Int128.max / (2 * scale)) {
            part /= 10
            whole /= 10
            guard whole != 0 else { return nil }
        }
        let (quotient, remainder) = (part.magnitude * UInt128(scale))
            .quotientAndRemainder(dividingBy: whole.magnitude)
        let twice = remainder * 2
        let isUp = twice > whole.magnitude || (twice == whole.magnitude && quotient % 2 == 1)
        let rounded = quotient + (isUp ? 1 : 0)
        let isNegative = (part < 0) != (whole < 0) && rounded != 0
        let fraction = String(rounded % UInt128(scale))
        let zeros = String(repeating: "0", count: digits - fraction.utf8.count)
        return "\(isNegative ? "-" : "")\(rounded / UInt128(scale)).\(zeros)\(fraction)"
    }
}
