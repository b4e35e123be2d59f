/// How often HQ reads its store, and how often it sends events to the viewers of its stream.
package struct PublishingPace: Hashable, Sendable {
    /// The least time between two reads of changes after commits. Default 250 ms: each read costs
    /// five Redis commands a region and what changed since the previous one.
    package var refreshMin: Duration = .milliseconds(250)
    /// The greatest time between two reads, because heartbeats and lost keys do not change the
    /// version that shows commits. Default 1 s.
    package var refreshMax: Duration = .seconds(1)
    /// The least time between two events of a stream. Default 500 ms: each event costs about 10 µs
    /// of processor time per viewer, so 50,000 viewers fill one core.
    package var eventMin: Duration = .milliseconds(500)

    package init() {}

    package static let refreshMinBounds: ClosedRange<Duration> = .milliseconds(50)...(.seconds(2))
    /// Well below the 5 s after which a store that has not answered counts as unreachable.
    package static let refreshMaxBounds: ClosedRange<Duration> = .milliseconds(50)...(.seconds(2))
    package static let eventMinBounds: ClosedRange<Duration> = .milliseconds(100)...(.seconds(60))
}
