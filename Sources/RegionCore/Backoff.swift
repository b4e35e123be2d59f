internal import Pacing

/// How long to wait before the next try: exponential with full jitter, so that the nodes of a
/// region do not come back in step after HQ was away.
///
/// A plain value: the random numbers and the waiting are the caller's.
package struct Backoff: Hashable, Sendable {
    /// The first window.
    package static let base: Duration = .milliseconds(30)
    /// The greatest window.
    package static let cap: Duration = .seconds(5)
    /// The longest wait that Retry-After can ask for: HQ cannot silence a region.
    package static let retryAfterCap: Duration = .seconds(60)

    private var jitter = FullJitter(base: base, cap: cap, retryAfterCap: retryAfterCap)

    /// Failures since the last success.
    package var failures: Int { jitter.failures }

    package init() {}

    /// Forgets all failures; call it after an answer.
    package mutating func reset() { jitter.reset() }

    /// The wait after a failure of unknown outcome: uniform in 0 ... min(cap, base · 2ⁿ), on top
    /// of what HQ asked for.
    package mutating func wait(
        after retryAfter: Duration? = nil, using random: inout some RandomNumberGenerator
    ) -> Duration {
        jitter.wait(after: retryAfter, using: &random)
    }

    /// The wait after a refusal, which only a human or a deployment ends: cap to 2 · cap.
    package mutating func waitAfterRefusal(
        using random: inout some RandomNumberGenerator
    ) -> Duration {
        jitter.waitAfterRefusal(using: &random)
    }
}
