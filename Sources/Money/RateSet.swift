/// The exchange rates that one source published together: how many units of each currency one
/// unit of the base is worth.
///
/// A conversion uses one set and never mixes two.
package struct RateSet: Sendable {
    /// Names the set's content: the same for the same source, date, base and rates, however they
    /// were written, and another for anything else.
    package let id: String
    /// Where the set came from, as shown to people.
    package let source: String
    /// The day the source gives the rates, as `YYYY-MM-DD`.
    package let date: String
    /// The currency that every rate is quoted against; its own rate is one.
    package let base: Currency

    /// By currency index.
    private let rateByIndex: [ExchangeRate?]

    /// A set whose id is the `ContentHash` of its content. Nil where `rates` gives the base itself
    /// another rate than one.
    package init?(
        source: String, date: String, base: Currency, rates: [Currency: ExchangeRate]
    ) {
        let quoted = Currency.all.compactMap { currency in
            currency == base ? nil : rates[currency].map { "\(currency) \($0)\n" }
        }
        let content = "\(source)\n\(date)\n\(base)\n\(quoted.joined())"
        self.init(
            id: ContentHash.of(content), source: source, date: date, base: base, rates: rates)
    }

    /// As the other initializer, under an id of the caller's.
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
