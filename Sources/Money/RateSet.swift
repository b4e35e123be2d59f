/// The exchange rates that one source published together: how many units of each currency one
/// unit of the base is worth.
///
/// A conversion uses one set and never mixes two.
package struct RateSet: Sendable {
    /// Names the set's content: a hash of what was read, given by whoever read it.
    package let id: String
    /// Where the set came from, as shown to people.
    package let source: String
    /// The day the source gives the rates, as `YYYY-MM-DD`.
    package let date: String
    /// The currency that every rate is quoted against; its own rate is one.
    package let base: Currency

    /// By currency index.
    private let rateByIndex: [ExchangeRate?]

    /// Nil where `rates` gives the base itself another rate than one.
    package init?(
        id: String, source: String, date: String, base: Currency, rates: [Currency: ExchangeRate]
    ) {
        guard rates[base, default: .one] == .one else { return nil }
        self.id = id
        self.source = source
        self.date = date
        self.base = base
        rateByIndex = Currency.all.map { $0 == base ? .one : rates[$0] }
    }

    /// Units of `currency` per one unit of the base; nil where the set has no such rate.
    package func rate(of currency: Currency) -> ExchangeRate? {
        rateByIndex[Int(currency.index)]
    }

    /// The currencies with a rate, the base among them, in the order of their codes.
    package var currencies: [Currency] { Currency.all.filter { rate(of: $0) != nil } }
}
