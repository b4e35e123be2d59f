/// The wait before the next try: exponential with full jitter, so that many clients do not return
/// in step after a server outage.
///
/// A plain value: the caller provides the random numbers and does the waiting.
package struct FullJitter: Hashable, Sendable {
    /// The first window.
    package let base: Duration
    /// The greatest window.
    package let cap: Duration
    /// The longest wait that Retry-After can ask for.
    package let retryAfterCap: Duration
    /// Failures since the last success.
    package private(set) var failures = 0

    /// `base` doubled this often exceeds any cap that we use.
    private static let maximumDoublings = 16

    package init(base: Duration, cap: Duration, retryAfterCap: Duration) {
        self.base = base
        self.cap = cap
        self.retryAfterCap = retryAfterCap
    }

    /// Forgets all failures.
    package mutating func reset() { failures = 0 }

    /// The wait after one more failure: uniform in 0 ... min(cap, base · 2ⁿ), plus the server's
    /// Retry-After.
    package mutating func wait(
        after retryAfter: Duration?, using random: inout some RandomNumberGenerator
    ) -> Duration {
        var window = base
        for _ in 0..<min(failures, Self.maximumDoublings) where window < cap { window = window * 2 }
        failures += 1
        let asked = min(max(retryAfter ?? .zero, .zero), retryAfterCap)
        return asked + Self.uniform(upTo: min(window, cap), using: &random)
    }

    /// The wait after a failure that a retry will not fix: cap to 2 · cap.
    package mutating func waitAfterRefusal(
        using random: inout some RandomNumberGenerator
    ) -> Duration {
        failures += 1
        return cap + Self.uniform(upTo: cap, using: &random)
    }

    /// Uniform in 0 ... `window`, in whole microseconds.
    package static func uniform(
        upTo window: Duration, using random: inout some RandomNumberGenerator
    ) -> Duration {
        let microseconds = window / .microseconds(1)
        return .microseconds(Int64.random(in: 0...Int64(microseconds), using: &random))
    }
}
