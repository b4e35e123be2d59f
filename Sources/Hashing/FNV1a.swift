/// The 64-bit FNV-1a hash (Fowler, Noll and Vo): finds accidents and tells one content from
/// another. It does not resist forgery.
///
/// Public, so that its loop is inlined into other modules.
public struct FNV1a: Hashable, Sendable {
    /// The hash of all bytes added so far.
    public private(set) var value: UInt64

    /// The hash of no bytes.
    public init() { value = 0xCBF2_9CE4_8422_2325 }

    /// Continues from the `value` of an earlier hash.
    public init(continuing value: UInt64) { self.value = value }

    @inlinable
    public mutating func add(_ bytes: some Sequence<UInt8>) {
        var hash = value
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        self = FNV1a(continuing: hash)
    }

    /// The value in 16 hexadecimal digits.
    public var hexadecimal: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    @inlinable
    public static func hash(_ bytes: some Sequence<UInt8>) -> FNV1a {
        var hash = FNV1a()
        hash.add(bytes)
        return hash
    }
}
