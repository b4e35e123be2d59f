internal import HTTPListener
internal import HTTPTypes
internal import Money
internal import Publishing

/// The base currencies that a request may name, and the default.
struct BaseCurrencies: Sendable {
    let defaultBase: Currency
    /// The topology's base currencies. The current report's bases are valid too.
    private let named: Set<Currency>

    init(_ named: some Sequence<Currency>, defaultBase: Currency) {
        self.defaultBase = defaultBase
        self.named = Set(named)
    }

    /// Reads a value of the parameter `base_currency`.
    /// - Throws: `Problem`, 400.
    func base(_ code: String?, _ rendered: RenderedReport?) throws(Problem) -> Currency {
        guard let code else { return defaultBase }
        if let currency = Currency(code: code),
            named.contains(currency) || rendered?.answers(in: currency) != nil
        {
            return currency
        }
        let bases = named.union(rendered?.report.bases.map(\.currency) ?? [])
        let codes = bases.sorted().map(\.code).joined(separator: ", ")
        throw Problem(
            .badRequest, kind: "unknown-currency", title: "Unknown base currency",
            detail: "base_currency must be one of \(codes), in upper case.")
    }

    private static let parameter: StaticString = "base_currency="

    /// The currency of an absent query or of `base_currency=` and a code; nil for any other query.
    /// The currency may not be a base.
    func quickly(_ query: UnsafeRawBufferPointer?) -> Currency? {
        guard let query else { return defaultBase }
        let start = Self.parameter.utf8CodeUnitCount
        guard query.count == start + 3 else { return nil }
        for index in 0..<start where query[index] != Self.parameter.utf8Start[index] { return nil }
        guard let slot = Currency.slot(query[start], query[start + 1], query[start + 2]) else {
            return nil
        }
        let index = Currency.indexBySlot[slot]
        return index == Currency.none ? nil : Currency(uncheckedIndex: index)
    }
}
