import Glibc

/// The time by which a call must end, on the monotonic clock.
struct Deadline {
    private let endMs: Int64

    init(afterMs timeoutMs: Int32) { endMs = Self.nowMs() + Int64(timeoutMs) }

    var isOver: Bool { endMs <= Self.nowMs() }

    /// At least 1. Throws if the time is up.
    func remainingMs() throws(KafkaError) -> Int32 {
        let remaining = endMs - Self.nowMs()
        guard remaining > 0 else { throw KafkaError(code: .timedOut) }
        return Int32(clamping: remaining)
    }

    private static func nowMs() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}

/// Blocks the calling thread; never call it on a cooperative thread.
func pauseThread(milliseconds: Int) {
    var duration = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
    nanosleep(&duration, nil)
}
