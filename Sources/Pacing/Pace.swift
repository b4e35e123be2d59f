package import CivilTime

/// Limits an action to once per interval, with a clock that may jump.
package struct Pace: Hashable, Sendable {
    /// The time of the last action; nil before the first.
    private var last: UnixTime?

    package init() {}

    /// True if `milliseconds` have passed since the last action. If the clock jumped back, so that
    /// the last time lies ahead, the action is due.
    package func isDue(every milliseconds: Int64, at now: UnixTime) -> Bool {
        guard let last, last <= now else { return true }
        return last + milliseconds <= now
    }

    /// If the action is due, records it and returns true.
    package mutating func take(every milliseconds: Int64, at now: UnixTime) -> Bool {
        guard isDue(every: milliseconds, at: now) else { return false }
        last = now
        return true
    }
}
