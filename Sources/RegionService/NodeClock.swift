import CivilTime
import Platform

/// A node's clock: the machine's time at the node's start, continued by the boot-time clock, which
/// cannot be set. The clocks of headquarters decide which minutes the state holds.
struct NodeClock {
    private let startedAt: Int64
    private let uptimeAtStart: Int64

    init() {
        startedAt = SystemClock.now().milliseconds
        uptimeAtStart = SystemClock.uptime()
    }

    func now() -> UnixTime {
        UnixTime(
            milliseconds: startedAt + SystemClock.uptime() - uptimeAtStart)
    }

    /// How far the machine's clock is ahead of this one, in milliseconds.
    func wallAhead() -> Int64 { SystemClock.now().milliseconds - now().milliseconds }
}
