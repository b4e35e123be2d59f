package import Money

/// What an operator should read about, each thing once until it changes.
package enum RatesEvent: Hashable, Sendable {
    case taken(id: String, source: String, date: String, currencies: Int)
    case problem(RatesProblem, detail: String)
    case recovered(from: RatesProblem)
    /// The currencies without a rate are others than before; none when all are back.
    case missing([Currency])
    /// The last good rates that are used against the source's word, or for want of one, are others
    /// than before.
    case held([HeldRate])
    case believed(Currency, rate: ExchangeRate, RateLedger.Belief)
}
