/// How often HQ reads its store, and how often it tells the viewers of its stream.
package struct PublishingPace: Hashable, Sendable {
    /// After a commit HQ reads what changed, but never more often than this. Default 250 ms: four
    /// reads a second, each of which costs what changed since the one before, and five Redis
    /// commands a region.
    package var refreshMin: Duration = .milliseconds(250)
    /// HQ reads at least this often: a heartbeat without money changes no version, and a store
    /// that has lost keys does not say so. Default 1 s.
    package var refreshMax: Duration = .seconds(1)
    /// The least time between two events of a stream. Default 500 ms: a viewer costs some 10 µs of
    /// processor time for each event, so 50,000 of them one core.
    package var eventMin: Duration = .milliseconds(500)

    package init() {}

    package static let refreshMinBounds: ClosedRange<Duration> = .milliseconds(50)...(.seconds(2))
    /// A store that has not answered for 5 s counts as unreachable: one that is asked as seldom as
    /// that would be.
    package static let refreshMaxBounds: ClosedRange<Duration> = .milliseconds(50)...(.seconds(2))
    package static let eventMinBounds: ClosedRange<Duration> = .milliseconds(100)...(.seconds(60))
}
