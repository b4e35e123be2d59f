internal import Synchronization

/// The snapshot that is being served. The publisher replaces it, requests read it.
package final class PublishedSnapshot: Sendable {
    private let snapshot = Mutex<PublicSnapshot?>(nil)

    package init() {}

    /// Nil before the first one.
    package var current: PublicSnapshot? { snapshot.withLock { $0 } }

    package func publish(_ next: PublicSnapshot) { snapshot.withLock { $0 = next } }
}
