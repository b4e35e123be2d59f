/// A minute of UTC: `floor(unix seconds / 60)`. Event time decides a transfer's minute.
public struct Minute: Hashable, Comparable, Sendable, Strideable {
    /// Minutes since 1970-01-01T00:00Z. Years up to 6053 fit; later times are clamped to the last
    /// one.
    public var number: Int32

    @inlinable
    public init(_ number: Int32) { self.number = number }

    @inlinable
    public static func < (a: Minute, b: Minute) -> Bool { a.number < b.number }

    @inlinable
    public func distance(to other: Minute) -> Int { Int(other.number) - Int(number) }

    /// Saturates at the ends of `Int32`, which no real date reaches.
    @inlinable
    public func advanced(by n: Int) -> Minute {
        Minute(Int32(clamping: Int(number) + n))
    }

    /// The first instant of the minute.
    @inlinable
    package var start: UnixTime { UnixTime(milliseconds: Int64(number) * 60_000) }
}
