import Glibc
import HTTPTestSupport
import Logging
import Synchronization
import Testing

/// What a node logs, and a way to hold the node up where it logs.
final class NodeLog: Sendable {
    private let stall = Stall()
    private let capture: LogCapture

    init() { capture = LogCapture { [stall] in stall.hold($0) } }

    var logger: Logger { capture.logger }

    /// How many lines hold this text.
    func count(_ text: String) -> Int { capture.count(text) }

    /// A thread that logs a line with this text stands still until `release`, which must come
    /// within three minutes.
    func stall(at text: String) { stall.text.withLock { $0 = text } }

    /// Whether one does.
    var isStalled: Bool { stall.isHolding.load(ordering: .acquiring) }

    func release() { stall.text.withLock { $0 = nil } }
}

/// Where a thread is to stand still.
private final class Stall: Sendable {
    let text = Mutex<String?>(nil)
    let isHolding = Atomic(false)

    func hold(_ line: String) {
        guard let text = text.withLock({ $0 }), line.contains(text) else { return }
        isHolding.store(true, ordering: .releasing)
        let deadline = ContinuousClock.now + .seconds(180)
        while self.text.withLock({ $0 }) != nil {
            guard ContinuousClock.now < deadline else {
                Issue.record("nobody released the node that stood still at: \(text)")
                break
            }
            usleep(1_000)
        }
        isHolding.store(false, ordering: .releasing)
    }
}
