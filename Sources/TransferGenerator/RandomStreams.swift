import Hashing

/// Random numbers by position: each concern has a stream of its own, and each position one draw
/// in it, so that a new concern shifts no other and any event can be made without those before it.
///
/// The function is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014), with a different key for each stream.
struct RandomStreams: Sendable {
    /// The use of a stream. The raw values determine the bytes of a seed: only append cases.
    enum Concern: UInt64 {
        case kind = 1
        case repeatReach, repeatDistance
        case currency
        case amount
        case jitter, straggler, stragglerDelay
        case lateAge
        case conflictField
        case malformation, malformationDetail
        case shape
        case identity
        case amountOther
    }

    private let seedKey: UInt64

    init(seed: UInt64) {
        seedKey = SplitMix64.mix(seed &+ SplitMix64.increment)
    }

    /// The 64 bits of `concern` at `position`.
    func bits(_ concern: Concern, at position: Int) -> UInt64 {
        let key = SplitMix64.mix(seedKey ^ (concern.rawValue &* 0xD1B5_4A32_D192_ED03))
        return SplitMix64.mix(key &+ UInt64(truncatingIfNeeded: position) &* SplitMix64.increment)
    }

    /// An integer in 0 ..< `bound`; `bound` must be positive. For bounds below 2^34 its bias is
    /// below 2^−30, too small to notice.
    func below(_ bound: Int, _ concern: Concern, at position: Int) -> Int {
        Int(bits(concern, at: position).multipliedFullWidth(by: UInt64(bound)).high)
    }
}
