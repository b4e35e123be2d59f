import Glibc
import HTTPTestSupport
import Logging
import Synchronization
import Testing

/// Captures a node's log, and can stall the node at a log line.
final class NodeLog: Sendable {
    private let stall = Stall()
    private let capture: LogCapture

    init() { capture = LogCapture { [stall] in stall.hold($0) } }

    var logger: Logger { capture.logger }

    /// The number of lines that contain this text.
    func count(_ text: String) -> Int { capture.count(text) }

    /// Blocks a thread that logs a line with this text until `release`, which must follow within
    /// three minutes.
    func stall(at text: String) { stall.text.withLock { $0 = text } }

    /// True while a thread is blocked.
    var isStalled: Bool { stall.isHolding.load(ordering: .acquiring) }

    func release() { stall.text.withLock { $0 = nil } }
}

/// The text of the line to block at.
private final class Stall: Sendable {
    let text = Mutex<String?>(nil)
    let isHolding = Atomic(false)

    func hold(_ line: String) {
        guard let text = text.withLock({ $0 }), line.contains(text) else { return }
        isHolding.store(true, ordering: .releasing)
        let deadline = ContinuousClock.now + .seconds(180)
        while self.text.withLock({ $0 }) != nil {
            guard ContinuousClock.now < deadline else {
                Issue.record("the test did not release the node stalled at: \(text)")
                break
            }
            usleep(1_000)
        }
        isHolding.store(false, ordering: .releasing)
    }
}
