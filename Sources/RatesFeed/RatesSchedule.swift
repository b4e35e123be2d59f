internal import Pacing
package import RatesCore

/// How long to wait for the next look at a source. A plain value: the random numbers and the
/// waiting are the caller's.
package struct RatesSchedule: Hashable, Sendable {
    /// The longest that Retry-After can silence us: staleness is shown, and an hour is polite.
    package static let retryAfterCap: Duration = .seconds(3_600)
    /// The first window after a failure that may pass by itself.
    package static let firstRetryWindow: Duration = .seconds(4)
    /// The greatest one, where the refresh is not shorter.
    package static let retryWindowCap: Duration = .seconds(300)
    /// No provider is asked again sooner, whatever the jitter drew.
    package static let minimumRetryWait: Duration = .seconds(1)
    /// A provider's clients spread their looks over this part of the refresh.
    private static let spreadDivisor = 10

    private let refresh: Duration
    private let isFetched: Bool
    private var jitter: FullJitter

    /// - Parameters:
    ///   - refresh: between two looks while all goes well.
    ///   - isFetched: whether the source is somebody else's service.
    package init(refresh: Duration, isFetched: Bool) {
        self.refresh = refresh
        self.isFetched = isFetched
        jitter = FullJitter(
            base: Self.firstRetryWindow, cap: min(Self.retryWindowCap, refresh),
            retryAfterCap: Self.retryAfterCap)
    }

    /// The wait after `observation`: the refresh, or less where the source only has to come back.
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
