internal import Logging
package import Money

/// What an operator should read about, each thing once until it changes.
package enum RatesEvent: Hashable, Sendable {
    case taken(id: String, source: String, date: String, currencies: Int)
    case problem(RatesProblem, detail: String)
    case recovered(from: RatesProblem)
    /// The currencies without a rate are others than before; none when all are back.
    case missing([Currency])

    func log(_ logger: Logger) {
        switch self {
        case .taken(let id, let source, let date, let currencies):
            logger.notice(
                "exchange rates taken",
                metadata: [
                    "id": "\(id)", "source": "\(source)", "date": "\(date)",
                    "currencies": "\(currencies)",
                ])
        case .problem(let problem, let detail):
            logger.error(
                "no new exchange rates",
                metadata: ["reason": "\(problem)", "detail": "\(detail)"])
        case .recovered(let problem):
            logger.notice("exchange rates again", metadata: ["after": "\(problem)"])
        case .missing(let currencies):
            logger.warning(
                "currencies without a rate",
                metadata: ["currencies": .array(currencies.map { "\($0)" })])
        }
    }
}
