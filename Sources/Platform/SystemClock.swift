package import CivilTime
internal import Glibc

/// The machine's clocks.
package enum SystemClock {
    /// The wall clock, which can be wrong and can be set.
    package static func now() -> UnixTime {
        UnixTime(milliseconds: milliseconds(of: CLOCK_REALTIME))
    }

    /// Milliseconds since the machine started, including time asleep. Nobody can set it.
    package static func uptime() -> Int64 { milliseconds(of: CLOCK_BOOTTIME) }

    private static func milliseconds(of clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
