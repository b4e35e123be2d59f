import Logging
import Synchronization

/// Everything that was logged, a line for each event.
final class LogCapture: Sendable {
    private let captured = Mutex<[String]>([])

    var lines: [String] { captured.withLock { $0 } }

    var logger: Logger {
        Logger(label: "test") { _ in Handler(capture: self) }
    }

    /// How many lines say so.
    func count(_ text: String) -> Int { lines.filter { $0.contains(text) }.count }

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
            let line = ([event.message.description] + details).joined(separator: " ")
            capture.captured.withLock { $0.append(line) }
        }
    }
}
