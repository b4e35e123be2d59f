internal import Synchronization

/// Ends a conversation from another thread; other threads may use nothing else of it.
package final class StopSignal: Sendable {
    private let stopped = Atomic(false)

    package init() {}

    /// Ends the running exchange within a second, and all later ones. Any thread; permanent.
    package func stop() { stopped.store(true, ordering: .relaxed) }

    var isStopped: Bool { stopped.load(ordering: .relaxed) }
}
