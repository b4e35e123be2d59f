/// The moment by which an operation must be done, on a clock that nobody can set.
package struct Deadline: Sendable {
    private let end: ContinuousClock.Instant

    package init(after timeout: Duration) { end = .now + timeout }

    package var hasPassed: Bool { .now >= end }

    /// Zero once it has passed.
    package var remaining: Duration { max(end - .now, .zero) }
}
