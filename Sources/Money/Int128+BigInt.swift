import BigInt

// The generic conversions between Int128 and BigInt lose 2^64 of some negative values (measured
// with BigInt 6.0.1 on Swift 6.3.1), so both directions go by sign and words here.

extension BigInt {
    /// The same value.
    init(exactValue value: Int128) {
        let magnitude = value.magnitude
        self.init(
            sign: value < 0 ? .minus : .plus,
            magnitude: BigUInt(words: [
                UInt(truncatingIfNeeded: magnitude), UInt(truncatingIfNeeded: magnitude >> 64),
            ]))
    }
}

extension Int128 {
    /// The same value; nil where it does not fit.
    init?(exactValue value: BigInt) {
        let words = Array(value.magnitude.words)
        guard words.count <= 2 else { return nil }
        var magnitude = UInt128(words.first ?? 0)
        if words.count == 2 { magnitude |= UInt128(words[1]) << 64 }
        guard value.sign == .minus else {
            self.init(exactly: magnitude)
            return
        }
        guard magnitude <= Int128.min.magnitude else { return nil }
        self = 0 &- Int128(truncatingIfNeeded: magnitude)
    }
}
