import Hashing

/// The exchange rates that one source published together: units of each currency per unit of the
/// base.
///
/// A conversion uses one set and never mixes two.
package struct RateSet: Sendable {
    /// Identifies the set's content: equal for the same source, dates, base and rates, however they
    /// were written, and different for anything else.
    package let id: String
    /// The set's origin, for display.
    package let source: String
    /// The source's date of the rates, as `YYYY-MM-DD`.
    package let date: String
    /// The currency that every rate is quoted against; its own rate is one.
    package let base: Currency

    /// By currency index.
    private let rateByIndex: [ExchangeRate?]

    /// Creates a set whose id is the FNV-1a hash of its content. Nil if `rates` gives the base a
    /// rate other than one.
    /// - Parameter days: the day of each rate; `date` for a rate without an entry.
    package init?(
        source: String, date: String, base: Currency, rates: [Currency: ExchangeRate],
        days: [Currency: String] = [:]
    ) {
        let quoted = Currency.all.compactMap { currency -> String? in
            guard currency != base, let rate = rates[currency] else { return nil }
            let day = days[currency] ?? date
            return "\(currency) \(rate)\(day == date ? "" : " \(day)")\n"
        }
        let content = "\(source)\n\(date)\n\(base)\n\(quoted.joined())"
        self.init(
            id: FNV1a.hash(content.utf8).hexadecimal, source: source, date: date, base: base,
            rates: rates)
    }

    /// Like the other initializer, with the caller's id.
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

    /// Units of `currency` per unit of the base; nil if the set has no such rate.
    package func rate(of currency: Currency) -> ExchangeRate? {
        rateByIndex[Int(currency.index)]
    }

    /// The currencies with a rate, including the base, in the order of their codes.
    package var currencies: [Currency] { Currency.all.filter { rate(of: $0) != nil } }
}
