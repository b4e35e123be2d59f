internal import Publishing
internal import Synchronization

/// The report that is currently served. The publisher replaces it; connections read it.
package final class ReportBoard: Sendable {
    /// The current report, and whether its version is unique.
    struct Current: Sendable {
        let rendered: RenderedReport
        /// Whether no other totals were published under this version. If so, a viewer that has the
        /// version has the totals.
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
    package var current: RenderedReport? { state.withLock { $0.current?.rendered } }

    /// Replaces the current report; the last call wins. Viewers of the stream get it with the
    /// next `notifyViewers`, or when they connect.
    package func publish(_ next: RenderedReport) {
        state.withLock { state in
            var isOnlyOne = true
            if let current = state.current,
                current.rendered.report.version == next.report.version
            {
                isOnlyOne =
                    current.isOnlyOneOfVersion && next.hasSameTotals(as: current.rendered)
            }
            state.current = Current(rendered: next, isOnlyOneOfVersion: isOnlyOne)
            counter.add(1, ordering: .releasing)
        }
    }

    /// Sends the current total to each viewer that has a different one. The caller decides how
    /// often.
    package func notifyViewers() {
        for follower in state.withLock({ Array($0.followers.values) }) { follower() }
    }

    /// The number of published reports. A reader can reuse the report that it has read until
    /// this number changes.
    var generation: UInt64 { counter.load(ordering: .acquiring) }

    /// The current report with a generation; the report is at least as new.
    func read() -> (current: Current?, generation: UInt64) {
        state.withLock { ($0.current, counter.load(ordering: .relaxed)) }
    }

    /// Makes `notifyViewers` call `follower`, on its caller's thread, until `unfollow`.
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
