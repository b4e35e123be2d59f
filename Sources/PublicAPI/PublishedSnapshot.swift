internal import Reporting
internal import Synchronization

/// The snapshot that is being served. The publisher replaces it, connections read it.
package final class PublishedSnapshot: Sendable {
    /// What is served, and what its version says.
    struct Current: Sendable {
        let snapshot: PublicSnapshot
        /// Whether nothing else has been published under the snapshot's version: who knows the
        /// version then knows the totals.
        let isOnlyOneOfVersion: Bool
    }

    private struct State {
        var current: Current?
        var followers: [Int: @Sendable () -> Void] = [:]
        var lastFollower = 0
    }

    private let state = Mutex(State())
    private let counter = Atomic<UInt64>(0)

    package init() {}

    /// Nil before the first one.
    package var current: PublicSnapshot? { state.withLock { $0.current?.snapshot } }

    /// Replaces what is served. Callers take turns: who publishes last is served. Viewers of the
    /// stream see it with the next `notifyViewers`, or when they connect.
    package func publish(_ next: PublicSnapshot) {
        state.withLock { state in
            var isOnlyOne = true
            if let current = state.current,
                current.snapshot.report.version == next.report.version
            {
                isOnlyOne =
                    current.isOnlyOneOfVersion && next.hasSameTotals(as: current.snapshot)
            }
            state.current = Current(snapshot: next, isOnlyOneOfVersion: isOnlyOne)
            counter.add(1, ordering: .releasing)
        }
    }

    /// Has each viewer sent what is served now, where it has another total. How often that may be
    /// is the caller's to decide.
    package func notifyViewers() {
        for follower in state.withLock({ Array($0.followers.values) }) { follower() }
    }

    /// How many snapshots have been published: whoever has read what a count stands for need not
    /// read it again while the count stays.
    var generation: UInt64 { counter.load(ordering: .acquiring) }

    /// What is served, with the generation that it is at least of.
    func read() -> (current: Current?, generation: UInt64) {
        state.withLock { ($0.current, counter.load(ordering: .relaxed)) }
    }

    /// Has `follower` called by `notifyViewers`, on the caller's thread, until `unfollow`.
    func follow(_ follower: @escaping @Sendable () -> Void) -> Int {
        state.withLock { state in
            state.lastFollower += 1
            state.followers[state.lastFollower] = follower
            return state.lastFollower
        }
    }

    func unfollow(_ follower: Int) {
        state.withLock { _ = $0.followers.removeValue(forKey: follower) }
    }
}
