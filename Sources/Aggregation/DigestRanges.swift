package import CivilTime
package import DeltaProtocol

/// The ranges of minutes whose digests are compared in turn: the hours from a day ago to a day
/// ahead, limited to the minutes that the shard knows in full. Minutes further ahead are not
/// compared, because HQ cannot list late money there.
package enum DigestRanges {
    private static let minutesPerRange = 60

    /// The number of ranges at `now`; 0 if the shard knows none of these minutes.
    package static func count(claims: Claims, floor: Minute, now: Minute) -> Int {
        let (first, last) = bounds(claims: claims, floor: floor, now: now)
        return first <= last ? hour(last) - hour(first) + 1 : 0
    }

    /// The range to compare at `turn` (0 or more); nil if there is none.
    package static func range(
        _ turn: Int, claims: Claims, floor: Minute, now: Minute
    ) -> ClosedRange<Minute>? {
        let count = count(claims: claims, floor: floor, now: now)
        guard count > 0 else { return nil }
        let (first, last) = bounds(claims: claims, floor: floor, now: now)
        // Chosen by the hour's own number, so that no hour loses its turn as time passes.
        let (begin, rest) = (hour(first), (turn - hour(first)) % count)
        let start = Minute(
            Int32(clamping: (begin + (rest < 0 ? rest + count : rest)) * minutesPerRange))
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
