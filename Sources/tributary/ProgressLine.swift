import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One line on the terminal that tells how far a command has come, rewritten in place at most
/// four times a second. Where standard error is no terminal, nothing is written. Any thread.
final class ProgressLine: Sendable {
    private static let interval = Duration.milliseconds(250)

    private let begun = ContinuousClock.now
    private let isShown = isatty(STDERR_FILENO) == 1
    private let next = Mutex(ContinuousClock.now + ProgressLine.interval)

    /// Shows what `text` says of the seconds since the beginning, if it is time to.
    func show(_ text: (_ seconds: Double) -> String) {
        guard isShown else { return }
        let now = ContinuousClock.now
        let isDue = next.withLock { next in
            guard now >= next else { return false }
            next = now + Self.interval
            return true
        }
        guard isDue else { return }
        writeToStandardError("\r\u{1B}[K" + text((now - begun) / .seconds(1)))
    }

    /// Empties the line for what is written next.
    func clear() {
        if isShown { writeToStandardError("\r\u{1B}[K") }
    }
}
