internal import Synchronization

/// Ends a conversation from outside: all that threads other than its own may touch of it.
package final class StopSignal: Sendable {
    private let stopped = Atomic(false)

    package init() {}

    /// Ends the running exchange, within a second, and all later ones. From any thread, for good.
    package func stop() { stopped.store(true, ordering: .relaxed) }

    var isStopped: Bool { stopped.load(ordering: .relaxed) }
}
