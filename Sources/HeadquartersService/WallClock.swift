import CivilTime
import Federation
import Glibc

/// The machine's clocks. They decide only liveness and the current time.
enum WallClock {
    static func now() -> UnixTime { reading().wall }

    static func reading() -> HeadquartersClock.Reading {
        HeadquartersClock.Reading(
            wall: UnixTime(milliseconds: milliseconds(of: CLOCK_REALTIME)),
            uptime: milliseconds(of: CLOCK_BOOTTIME))
    }

    private static func milliseconds(of clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
