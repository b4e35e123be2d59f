/// The generator SplitMix64 (Steele, Lea and Flood, 2014): 64 bits of state, the same draws for the
/// same seed on every machine. For spreading load and for simulated worlds, never for secrets.
///
/// Public, so that it is inlined into other modules.
public struct SplitMix64: RandomNumberGenerator, Hashable, Sendable {
    @usableFromInline
    var state: UInt64

    @inlinable
    public init(seed: UInt64) { state = seed }

    @inlinable
    public mutating func next() -> UInt64 {
        state &+= Self.increment
        return Self.mix(state)
    }

    /// What the state grows by: the golden ratio's fraction in 64 bits, made odd.
    @inlinable
    public static var increment: UInt64 { 0x9E37_79B9_7F4A_7C15 }

    /// The generator's finalizer: a bijection whose outputs look random for inputs that do not.
    @inlinable
    public static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z &>> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z &>> 31)
    }
}
