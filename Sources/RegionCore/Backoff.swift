internal import Pacing

/// The wait before the next try: exponential with full jitter, so that the nodes of a region do not
/// return in step after an HQ outage.
///
/// A plain value: the caller provides the random numbers and does the waiting.
package struct Backoff: Hashable, Sendable {
    /// The first window.
    package static let base: Duration = .milliseconds(30)
    /// The greatest window.
    package static let cap: Duration = .seconds(5)
    /// The longest wait that Retry-After can request, so that HQ cannot silence a region.
    package static let retryAfterCap: Duration = .seconds(60)

    private var jitter = FullJitter(base: base, cap: cap, retryAfterCap: retryAfterCap)

    /// Failures since the last success.
    package var failures: Int { jitter.failures }

    package init() {}

    /// Forgets all failures; call it after an answer.
    package mutating func reset() { jitter.reset() }

    /// The wait after a failure of unknown outcome: uniform in 0 ... min(cap, base · 2ⁿ), plus HQ's
    /// Retry-After.
    package mutating func wait(
        after retryAfter: Duration? = nil, using random: inout some RandomNumberGenerator
    ) -> Duration {
        jitter.wait(after: retryAfter, using: &random)
    }

    /// The wait after a refusal, which lasts until an operator or a deployment fixes it: cap to 2 ·
    /// cap.
    package mutating func waitAfterRefusal(
        using random: inout some RandomNumberGenerator
    ) -> Duration {
        jitter.waitAfterRefusal(using: &random)
    }
}
