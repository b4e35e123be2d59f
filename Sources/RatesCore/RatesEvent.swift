package import Money

/// Something that an operator should know, reported once until it changes.
package enum RatesEvent: Hashable, Sendable {
    case taken(id: String, source: String, date: String, currencies: Int)
    case problem(RatesProblem, detail: String)
    case recovered(from: RatesProblem)
    /// The list of currencies without a rate has changed; empty when all have a rate again.
    case missing([Currency])
    /// The list of held rates has changed; empty when no rate is held any more.
    case held([HeldRate])
    case believed(Currency, rate: ExchangeRate, RateLedger.Belief)
}
