import CivilTime
import Glibc

/// A node's clock: the machine's time at the node's start, continued by the boot-time clock, which
/// cannot be set. The clocks of headquarters decide which minutes are held.
struct NodeClock {
    private let startedAt: Int64
    private let uptimeAtStart: Int64

    init() {
        startedAt = Self.milliseconds(of: CLOCK_REALTIME)
        uptimeAtStart = Self.milliseconds(of: CLOCK_BOOTTIME)
    }

    func now() -> UnixTime {
        UnixTime(
            milliseconds: startedAt + Self.milliseconds(of: CLOCK_BOOTTIME) - uptimeAtStart)
    }

    /// How far the machine's clock is ahead of this one, in milliseconds.
    func wallAhead() -> Int64 { Self.milliseconds(of: CLOCK_REALTIME) - now().milliseconds }

    private static func milliseconds(of clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
