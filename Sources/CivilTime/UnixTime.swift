/// An instant: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time).
public struct UnixTime: Hashable, Comparable, Sendable {
    public var milliseconds: Int64

    @inlinable
    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    @inlinable
    package init(seconds: Int64) { self.milliseconds = seconds * 1_000 }

    @inlinable
    public static func < (a: UnixTime, b: UnixTime) -> Bool { a.milliseconds < b.milliseconds }

    /// Saturates, so that a time from a hostile record cannot trap.
    @inlinable
    package static func + (a: UnixTime, milliseconds: Int64) -> UnixTime {
        let (sum, overflow) = a.milliseconds.addingReportingOverflow(milliseconds)
        return UnixTime(milliseconds: overflow ? (milliseconds < 0 ? .min : .max) : sum)
    }

    /// Saturates, like `+`.
    @inlinable
    package static func - (a: UnixTime, milliseconds: Int64) -> UnixTime {
        let (sum, overflow) = a.milliseconds.subtractingReportingOverflow(milliseconds)
        return UnixTime(milliseconds: overflow ? (milliseconds < 0 ? .max : .min) : sum)
    }

    /// The minute that contains the instant, rounded down; clamped to `Minute`'s range.
    @inlinable @inline(__always)
    package var minute: Minute {
        let quotient = milliseconds / 60_000
        return Minute(Int32(clamping: milliseconds % 60_000 < 0 ? quotient - 1 : quotient))
    }
}
