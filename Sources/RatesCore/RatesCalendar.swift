package import CivilTime
package import Topology

/// When a source replaces its rates, and so when old ones are stale. Pure.
package enum RatesCalendar: Hashable, Sendable {
    /// About 16:00 in Frankfurt on every TARGET day. Rates are stale when those of the next such
    /// day have been due for `grace`.
    case targetDays(grace: Duration)
    /// Every hour. Rates are stale `grace` after the hour that began when they were published.
    case hourly(grace: Duration)
    /// By hand: stale this long after the beginning of their day in UTC, or, with nil, never.
    case byHand(staleAfter: Duration?)

    /// How long one publication lasts where it is hourly.
    private static let hourMilliseconds: Int64 = 3_600_000

    /// What the source's provider keeps to.
    package init(_ source: RatesSource) {
        let grace = source.staleAfter ?? RatesSource.defaultProviderStaleAfter
        switch source.origin {
        case .file: self = .byHand(staleAfter: source.staleAfter)
        case .provider(.europeanCentralBank, _), .provider(.frankfurter, _):
            self = .targetDays(grace: grace)
        case .provider(.openExchangeRates, _): self = .hourly(grace: grace)
        }
    }

    /// Whether rates come over a network, so that fetching them is an event.
    var isFetched: Bool {
        if case .byHand = self { false } else { true }
    }

    /// The first instant at which rates are stale; nil for never.
    /// - Parameter since: when the rates were published, or when their day began.
    package func staleFrom(_ since: UnixTime) -> UnixTime? {
        switch self {
        case .targetDays(let grace):
            let day = CivilDate(daysSinceEpoch: Day(at: since).number)
            return TargetCalendar.publication(after: day) + grace.milliseconds
        case .hourly(let grace):
            return since + Self.hourMilliseconds + grace.milliseconds
        case .byHand(let staleAfter):
            return staleAfter.map { since + $0.milliseconds }
        }
    }
}

extension Duration {
    /// Rounded towards zero.
    fileprivate var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
