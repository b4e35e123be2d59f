package import CivilTime
import DeltaProtocol

/// The minutes that the store holds, and when they expire.
package enum StoreRetention {
    /// The seconds after a minute's start at which its keys expire: 25 h. The minute leaves the
    /// retention at the same instant.
    package static let secondsKept = Int64(Limits.retainedMinutes) * 60

    /// The first minute that HQ accepts. There is no last one: money ahead is kept until its minute
    /// comes.
    package static func first(now: UnixTime) -> Minute {
        now.minute.advanced(by: 1 - Limits.retainedMinutes)
    }

    /// The minutes of the retention up to a day ahead. Only wrong clocks put money further ahead;
    /// the store lists those minutes.
    package static func near(now: UnixTime) -> ClosedRange<Minute> {
        first(now: now)...now.minute.advanced(by: Limits.windowMinutes)
    }

    /// The absolute time at which the keys of a minute expire, in seconds since 1970.
    package static func expiry(of minute: Minute) -> Int64 {
        Int64(minute.number) * 60 + secondsKept
    }
}
