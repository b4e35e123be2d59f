package import Logging
internal import Synchronization

/// Warnings that clients can cause at will: each is written once in a while, with how often it was
/// left out.
package final class RareLog: Sendable {
    private struct Entry {
        var writtenAt: ContinuousClock.Instant
        var leftOut = 0
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
    ///   - text: one of a few, which clients cannot choose.
    ///   - subject: what it is about, of a list that clients cannot choose either.
    ///   - metadata: of this time, clients may have chosen its values.
    package func warning(
        _ text: String, of subject: String, metadata: @autoclosure () -> Logger.Metadata
    ) {
        let now = ContinuousClock.now
        let key = text + " " + subject
        let leftOut = entries.withLock { entries -> Int? in
            if let entry = entries[key], now < entry.writtenAt + interval {
                entries[key]?.leftOut += 1
                return nil
            }
            defer { entries[key] = Entry(writtenAt: now) }
            return entries[key]?.leftOut ?? 0
        }
        guard let leftOut else { return }
        var metadata = metadata()
        if leftOut > 0 { metadata["left_out_before"] = "\(leftOut)" }
        logger.warning("\(text)", metadata: metadata)
    }
}
