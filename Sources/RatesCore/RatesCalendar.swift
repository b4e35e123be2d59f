package import CivilTime
package import Topology

/// When a source publishes new rates, and so when old ones become stale. Pure.
package enum RatesCalendar: Hashable, Sendable {
    /// About 16:00 in Frankfurt on every TARGET day. Rates become stale `grace` after those of the
    /// next such day are due.
    case targetDays(grace: Duration)
    /// Every hour. Rates become stale one hour plus `grace` after their publication.
    case hourly(grace: Duration)
    /// By hand: stale this long after the beginning of their day in UTC; never, if nil.
    case byHand(staleAfter: Duration?)

    /// The time between two hourly publications.
    private static let hourMilliseconds: Int64 = 3_600_000

    /// The calendar of the source's provider.
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

    /// When rates become stale; nil for never.
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
