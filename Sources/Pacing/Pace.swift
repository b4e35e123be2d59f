package import CivilTime

/// Something that is done at most once in an interval, by a clock that may jump.
package struct Pace: Hashable, Sendable {
    /// When it was done last; nil before the first time.
    private var last: UnixTime?

    package init() {}

    /// Whether `milliseconds` have passed since the last time. A clock that jumped back does not
    /// silence it: a last time that lies ahead counts as long ago.
    package func isDue(every milliseconds: Int64, at now: UnixTime) -> Bool {
        guard let last, last <= now else { return true }
        return last + milliseconds <= now
    }

    /// Where it is due, notes it as done and answers true.
    package mutating func take(every milliseconds: Int64, at now: UnixTime) -> Bool {
        guard isDue(every: milliseconds, at: now) else { return false }
        last = now
        return true
    }
}
