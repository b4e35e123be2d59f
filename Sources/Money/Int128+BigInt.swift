import BigInt

extension Int128 {
    /// The same value; nil if it does not fit.
    ///
    /// The generic `Int128(exactly:)` is off by 2^64 for most negative values of more than 64 bits
    /// (measured with BigInt 6.0.1 on Swift 6.3.1), so this converts sign and words.
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
