internal import Pacing
package import RatesCore

/// How long to wait before the next check of a source. A plain value: the caller supplies random
/// numbers and waits.
package struct RatesSchedule: Hashable, Sendable {
    /// The longest Retry-After that we honour. An hour is polite, and stale rates are labelled.
    package static let retryAfterCap: Duration = .seconds(3_600)
    /// The first retry window after a failure that may pass by itself.
    package static let firstRetryWindow: Duration = .seconds(4)
    /// The greatest retry window, unless the refresh is shorter.
    package static let retryWindowCap: Duration = .seconds(300)
    /// The least wait before a provider is asked again, whatever the jitter.
    package static let minimumRetryWait: Duration = .seconds(1)
    /// A provider's clients spread their checks over this fraction of the refresh.
    private static let spreadDivisor = 10

    private let refresh: Duration
    private let isFetched: Bool
    private var jitter: FullJitter

    /// - Parameters:
    ///   - refresh: the time between two successful checks.
    ///   - isFetched: whether the source is a provider's service.
    package init(refresh: Duration, isFetched: Bool) {
        self.refresh = refresh
        self.isFetched = isFetched
        jitter = FullJitter(
            base: Self.firstRetryWindow, cap: min(Self.retryWindowCap, refresh),
            retryAfterCap: Self.retryAfterCap)
    }

    /// The wait after `observation`: the refresh, or less after a failure that may pass by itself.
    package mutating func wait(
        after observation: RatesObservation, using random: inout some RandomNumberGenerator
    ) -> Duration {
        guard isFetched else { return refresh }
        if case .problem(let problem, _, let retryAfter) = observation {
            if problem.mayPass {
                return max(
                    jitter.wait(after: retryAfter, using: &random),
                    min(Self.minimumRetryWait, refresh))
            }
            let asked = min(retryAfter ?? .zero, Self.retryAfterCap)
            return max(refresh, asked) + spread(using: &random)
        }
        jitter.reset()
        return refresh + spread(using: &random)
    }

    private func spread(using random: inout some RandomNumberGenerator) -> Duration {
        FullJitter.uniform(upTo: refresh / Self.spreadDivisor, using: &random)
    }
}

extension RatesProblem {
    /// Whether the same request may succeed before the source has published anything new.
    fileprivate var mayPass: Bool {
        switch self {
        case .unreachable, .untrusted, .timeout, .torn, .library: true
        case .status(let status): [408, 425, 429].contains(status) || status >= 500
        default: false
        }
    }
}
