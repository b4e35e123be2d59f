package import CivilTime
package import DeltaProtocol

/// The ranges of minutes whose digests are compared in turn: the hours of a day back and a day
/// ahead, as far as the shard knows them in full, and all beyond as the last one.
package enum DigestRanges {
    private static let minutesPerRange = 60

    /// How many ranges there are at `now`; at least 1.
    package static func count(claims: Claims, floor: Minute, now: Minute) -> Int {
        let (first, last) = bounds(claims: claims, floor: floor, now: now)
        guard first <= last else { return 1 }
        return hour(last) - hour(first) + 2
    }

    /// The range of this turn; `turn` is 0 or more.
    package static func range(
        _ turn: Int, claims: Claims, floor: Minute, now: Minute
    ) -> ClosedRange<Minute> {
        let (first, last) = bounds(claims: claims, floor: floor, now: now)
        let index = turn % count(claims: claims, floor: floor, now: now)
        let start = Minute(Int32(clamping: (hour(first) + index) * minutesPerRange))
        guard first <= last, start <= last else {
            return max(first, last.advanced(by: 1))...Minute(.max)
        }
        return max(first, start)...min(last, start.advanced(by: minutesPerRange - 1))
    }

    private static func bounds(
        claims: Claims, floor: Minute, now: Minute
    ) -> (first: Minute, last: Minute) {
        let known = max(claims.idsFrom, claims.idsShortUntil, floor)
        let first = max(known, now.advanced(by: -Limits.windowMinutes))
        return (first, now.advanced(by: Limits.windowMinutes))
    }

    /// Rounds down, before 1970 too.
    private static func hour(_ minute: Minute) -> Int {
        let number = Int(minute.number)
        return (number - (number < 0 ? minutesPerRange - 1 : 0)) / minutesPerRange
    }
}
