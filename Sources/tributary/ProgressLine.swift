import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A line on the terminal that shows a command's progress, rewritten in place at most four times a
/// second. Writes nothing if standard error is not a terminal. Any thread.
final class ProgressLine: Sendable {
    private static let interval = Duration.milliseconds(250)

    private let begun = ContinuousClock.now
    private let isShown = isatty(STDERR_FILENO) == 1
    private let next = Mutex(ContinuousClock.now + ProgressLine.interval)

    /// Shows the result of `text` for the seconds since the beginning, unless it was just shown.
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

    /// Clears the line for other output.
    func clear() {
        if isShown { writeToStandardError("\r\u{1B}[K") }
    }
}
