package import Logging
internal import Synchronization

/// Collects log events as lines: the message, then the metadata sorted by name.
package final class LogCapture: Sendable {
    private let captured = Mutex<[String]>([])
    private let onLine: @Sendable (String) -> Void

    /// - Parameter onLine: called with each line after it is stored, on the logging thread.
    package init(onLine: @escaping @Sendable (String) -> Void = { _ in }) {
        self.onLine = onLine
    }

    package var lines: [String] { captured.withLock { $0 } }

    package var logger: Logger {
        Logger(label: "test") { _ in Handler(capture: self) }
    }

    /// The number of lines that contain this text.
    package func count(_ text: String) -> Int { lines.filter { $0.contains(text) }.count }

    private func take(_ line: String) {
        captured.withLock { $0.append(line) }
        onLine(line)
    }

    private struct Handler: LogHandler {
        let capture: LogCapture
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let details = (event.metadata ?? [:]).map { "\($0)=\($1)" }.sorted()
            capture.take(([event.message.description] + details).joined(separator: " "))
        }
    }
}
