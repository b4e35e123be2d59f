package import Logging
internal import Synchronization

/// Limits the rate of warnings that a client can trigger at will. Each written warning says how
/// many were suppressed before it.
package final class RareLog: Sendable {
    private struct Entry {
        var writtenAt: ContinuousClock.Instant
        var suppressed = 0
    }

    private let logger: Logger
    private let interval: Duration
    private let entries = Mutex<[String: Entry]>([:])

    /// - Parameter interval: between two warnings of the same text and subject.
    package init(_ logger: Logger, every interval: Duration = .seconds(10)) {
        self.logger = logger
        self.interval = interval
    }

    /// - Parameters:
    ///   - text: a constant.
    ///   - subject: from a fixed set, such as a region's name: one entry is kept for each.
    ///   - metadata: may contain text from the client.
    package func warning(
        _ text: String, of subject: String, metadata: @autoclosure () -> Logger.Metadata
    ) {
        let now = ContinuousClock.now
        let key = text + " " + subject
        let suppressed = entries.withLock { entries -> Int? in
            if let entry = entries[key], now < entry.writtenAt + interval {
                entries[key]?.suppressed += 1
                return nil
            }
            defer { entries[key] = Entry(writtenAt: now) }
            return entries[key]?.suppressed ?? 0
        }
        guard let suppressed else { return }
        var metadata = metadata()
        if suppressed > 0 { metadata["suppressed_before"] = "\(suppressed)" }
        logger.warning("\(text)", metadata: metadata)
    }
}
