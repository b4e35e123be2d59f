internal import CivilTime
internal import Money
internal import Topology

/// Frankfurter's answers: version 1 is an object with `amount`, `base`, `date` and `rates`, version
/// 2 an array of `{date, base, quote, rate}`.
enum FrankfurterDocument {
    /// A rate that the second version carries forward for longer is none. The longest closures of
    /// central banks, for a lunar new year or an Eid, last less.
    static let maximumCarriedDays = 14

    static func read(_ bytes: [UInt8]) throws(RatesDocumentError) -> PublishedRates {
        let root = try JSONReader.read(bytes)
        return switch root {
        case .object: try firstVersion(root)
        case .array(let pairs): try secondVersion(pairs)
        default: throw RatesDocumentError(.malformed, "an object or an array")
        }
    }

    private static func firstVersion(_ root: JSONValue) throws(RatesDocumentError) -> PublishedRates
    {
        // Rates are those of this amount of the base.
        if let amount = root["amount"] {
            guard let text = amount.decimal, (try? ExchangeRate(text)) == .one else {
                throw RatesDocumentError(.malformed, "amount: expected 1")
            }
        }
        guard let base = root["base"]?.currency else {
            throw RatesDocumentError(.malformed, "base: expected a currency code")
        }
        guard case .string(let date) = root["date"], RatesDocument.isDay(date) else {
            throw RatesDocumentError(.malformed, "date: expected a day as 2026-03-25")
        }
        let set = try RatesDocument.set(
            of: .frankfurter, date: date, base: base, rates: try root.ratesByCode("rates"))
        return PublishedRates(set: set)
    }

    private struct Pair {
        var quote: Currency
        var date: String
        var rate: ExchangeRate
    }

    private static func secondVersion(
        _ elements: [JSONValue]
    ) throws(RatesDocumentError) -> PublishedRates {
        var base: Currency?
        var pairs: [Currency: Pair] = [:]
        for element in elements {
            guard let of = element["base"]?.currency, base == nil || base == of else {
                throw RatesDocumentError(.malformed, "base: expected one currency code")
            }
            base = of
            guard let pair = try pair(element) else { continue }
            guard pairs.updateValue(pair, forKey: pair.quote) == nil else {
                throw RatesDocumentError(.malformed, "\(pair.quote): expected one rate")
            }
        }
        guard let base, let date = pairs.values.map(\.date).max() else {
            throw RatesDocumentError(.malformed, "a rate of at least one known currency")
        }
        let earliest = dayNumber(date) - maximumCarriedDays
        let fresh = pairs.filter { dayNumber($0.value.date) >= earliest }
        let set = try RatesDocument.set(
            of: .frankfurter, date: date, base: base, rates: fresh.mapValues(\.rate))
        return PublishedRates(
            set: set, earlierDates: fresh.mapValues(\.date).filter { $0.value != date })
    }

    /// Nil for a quote outside our table.
    private static func pair(_ element: JSONValue) throws(RatesDocumentError) -> Pair? {
        guard case .string(let code) = element["quote"] else {
            throw RatesDocumentError(.malformed, "quote: expected a currency code")
        }
        guard let quote = Currency(code: code) else { return nil }
        guard case .string(let date) = element["date"], RatesDocument.isDay(date),
            let text = element["rate"]?.decimal
        else { throw RatesDocumentError(.malformed, "\(quote): expected a date and a rate") }
        return Pair(quote: quote, date: date, rate: try RatesDocument.rate(text, of: quote))
    }

    /// Days since 1970; `day` is one of the calendar.
    private static func dayNumber(_ day: String) -> Int {
        Int((RFC3339.parse("\(day)T00:00:00Z")?.milliseconds ?? 0) / 86_400_000)
    }
}
