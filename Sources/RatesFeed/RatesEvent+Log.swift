internal import Logging
internal import Money
internal import RatesCore

extension RatesEvent {
    /// - Parameter source: the name, for display, of the source that the event is about.
    func log(_ logger: Logger, of source: String) {
        switch self {
        case .taken(let id, let source, let date, let currencies):
            logger.notice(
                "using new exchange rates",
                metadata: [
                    "id": "\(id)", "source": "\(source)", "date": "\(date)",
                    "currencies": "\(currencies)",
                ])
        case .problem(let problem, let detail):
            logger.error(
                "no new exchange rates",
                metadata: [
                    "reason": "\(problem)", "detail": "\(detail)", "source": "\(source)",
                ])
        case .recovered(let problem):
            logger.notice(
                "exchange rates are available again",
                metadata: ["after": "\(problem)", "source": "\(source)"])
        case .missing(let currencies):
            logger.warning(
                "currencies without a rate",
                metadata: ["currencies": .array(currencies.map { "\($0)" })])
        case .held(let held):
            logger.warning(
                "using last good exchange rates instead of the source's last answer",
                metadata: ["rates": .array(held.map { "\(Self.text($0))" })])
        case .believed(let currency, let rate, let belief):
            logger.notice(
                "accepted a jump of an exchange rate",
                metadata: [
                    "currency": "\(currency)", "rate": "\(rate)", "because": "\(Self.text(belief))",
                ])
        }
    }

    private static func text(_ held: HeldRate) -> String {
        let last = "\(held.currency) \(held.reason): \(held.rate) of \(held.day)"
        guard let offered = held.offered, let day = held.offeredDay else { return last }
        return "\(last), not \(offered) of \(day)"
    }

    private static func text(_ belief: RateLedger.Belief) -> String {
        switch belief {
        case .repeated: "the source repeated it"
        case .cameBack: "it is the rate before the last jump"
        case .confirmed(let source): "confirmed by \(source)"
        }
    }
}
