import CivilTime
import Glibc

/// The machine's clock. It decides liveness and what "now" is, nothing else.
enum WallClock {
    static func now() -> UnixTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UnixTime(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
