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

    /// Failures since the last success.
    package private(set) var failures = 0

    package init() {}

    /// Forgets all failures; call it after an answer.
    package mutating func reset() { failures = 0 }

    /// The wait after a failure of unknown outcome: uniform in 0 ... min(cap, base · 2ⁿ), on top
    /// of what HQ asked for.
    package mutating func wait(
        after retryAfter: Duration? = nil, using random: inout some RandomNumberGenerator
    ) -> Duration {
        var window = Self.base
        // 30 ms · 2⁸ is over the cap, so more doublings change nothing.
        for _ in 0..<min(failures, 8) { window = window * 2 }
        failures += 1
        let asked = min(max(retryAfter ?? .zero, .zero), Self.retryAfterCap)
        return asked + Self.uniform(upTo: min(window, Self.cap), using: &random)
    }

    /// The wait after a refusal, which only a human or a deployment ends: cap to 2 · cap.
    package mutating func waitAfterRefusal(
        using random: inout some RandomNumberGenerator
    ) -> Duration {
        failures += 1
        return Self.cap + Self.uniform(upTo: Self.cap, using: &random)
    }

    private static func uniform(
        upTo window: Duration, using random: inout some RandomNumberGenerator
    ) -> Duration {
        let microseconds = window / .microseconds(1)
        return .microseconds(Int64.random(in: 0...Int64(microseconds), using: &random))
    }
}
