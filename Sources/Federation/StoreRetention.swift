package import CivilTime
import DeltaProtocol

/// Which minutes the store holds, and until when.
package enum StoreRetention {
    /// The seconds after a minute's start at which its keys expire: 25 h. The minute leaves the
    /// retention at the same instant.
    package static let secondsKept = Int64(Limits.retainedMinutes) * 60

    /// How far from HQ's clock an observed-through may move the retention. It bounds the minutes
    /// that one request can make HQ read.
    package static let skewMinutes = Limits.retainedMinutes

    /// The minutes that HQ takes from a request: the retention that ends with the present minute,
    /// and the future minutes a ring may hold.
    ///
    /// What is ignored is acknowledged all the same, so a wrong clock of HQ's must not narrow the
    /// range: the present is taken to lie anywhere between HQ's clock and the latest time that the
    /// request's shards have seen. Minutes that are past in truth expire as they are written.
    package static func minutes(
        now: UnixTime, observedThrough: [UnixTime?]
    ) -> ClosedRange<Minute> {
        let present = now.minute
        var earliest = present
        var latest = present
        if let seen = observedThrough.compactMap({ $0 }).max() {
            let nearest = max(seen.minute, present.advanced(by: -skewMinutes))
            let bounded = min(nearest, present.advanced(by: skewMinutes))
            earliest = min(present, bounded)
            latest = max(present, bounded)
        }
        return earliest.advanced(
            by: 1 - Limits.retainedMinutes)...latest.advanced(
                by: Limits.futureMinutes)
    }

    /// Every minute that any request at this time could have written.
    package static func widest(now: UnixTime) -> ClosedRange<Minute> {
        let present = now.minute
        return present.advanced(
            by: 1 - Limits.retainedMinutes - skewMinutes)...present.advanced(
                by: skewMinutes + Limits.futureMinutes)
    }

    /// The absolute time at which the keys of a minute expire, in seconds since 1970.
    package static func expiry(of minute: Minute) -> Int64 {
        Int64(minute.number) * 60 + secondsKept
    }
}
