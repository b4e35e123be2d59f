/// A keyed permutation of the integers 1 … 2^40: each position has a different amount. If a sum is
/// wrong by one transfer, the difference identifies it.
struct UniqueAmounts: Sendable {
    private let keys: (UInt64, UInt64, UInt64)

    init(streams: RandomStreams) {
        keys = (
            streams.bits(.amount, at: 0), streams.bits(.amount, at: 1),
            streams.bits(.amount, at: 2)
        )
    }

    /// The amount at `position`, in minor units, 1 to 2^40. Distinct for positions below 2^40.
    ///
    /// Each step is a bijection of 40 bits: an odd factor, a sum, and folding the high half into
    /// the low one.
    func amount(at position: Int) -> Int64 {
        var bits = UInt64(truncatingIfNeeded: position) & Self.mask
        bits = Self.step(bits, keys.0)
        bits = Self.step(bits, keys.1)
        bits = Self.step(bits, keys.2)
        bits ^= bits >> 20
        return Int64(bits) + 1
    }

    private static func step(_ bits: UInt64, _ key: UInt64) -> UInt64 {
        ((bits ^ (bits >> 20)) &* (key | 1) &+ (key >> 24)) & mask
    }

    private static let mask: UInt64 = 1 << 40 - 1
}
