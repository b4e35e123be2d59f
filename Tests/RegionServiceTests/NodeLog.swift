import Glibc
import Logging
import Synchronization

/// What a node logs, a line for each message; and a way to hold the node up where it logs.
final class NodeLog: Sendable {
    private let logged = Mutex<[String]>([])
    private let stalling = Mutex<String?>(nil)
    private let stalled = Atomic(false)

    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    /// How many lines hold this text.
    func count(_ text: String) -> Int {
        logged.withLock { $0.filter { $0.contains(text) }.count }
    }

    /// A thread that logs a line with this text stands still until `release`.
    func stall(at text: String) { stalling.withLock { $0 = text } }

    /// Whether one does.
    var isStalled: Bool { stalled.load(ordering: .acquiring) }

    func release() { stalling.withLock { $0 = nil } }

    private func take(_ line: String) {
        logged.withLock { $0.append(line) }
        guard let text = stalling.withLock({ $0 }), line.contains(text) else { return }
        stalled.store(true, ordering: .releasing)
        while stalling.withLock({ $0 }) != nil { usleep(1_000) }
        stalled.store(false, ordering: .releasing)
    }

    private struct Handler: LogHandler {
        let log: NodeLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.debug

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let details = (event.metadata ?? [:]).map { "\($0)=\($1)" }.sorted()
            log.take(([event.message.description] + details).joined(separator: " "))
        }
    }
}
