import Glibc
import Platform

extension Deadline {
    init(afterMs timeoutMs: Int32) { self.init(after: .milliseconds(timeoutMs)) }

    /// At least 1. Throws when the time is up.
    func remainingMs() throws(KafkaError) -> Int32 {
        let (seconds, attoseconds) = remaining.components
        let left = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
        guard left > 0 else { throw KafkaError(code: .timedOut) }
        return Int32(clamping: left)
    }
}

/// Puts the calling thread to sleep; never to be called on a cooperative thread.
func pauseThread(milliseconds: Int) {
    var duration = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
    nanosleep(&duration, nil)
}
