internal import Money
internal import RatesCore
internal import Topology

/// Frankfurter's answers: version 1 is an object with `amount`, `base`, `date` and `rates`, version
/// 2 an array of `{date, base, quote, rate}`.
enum FrankfurterDocument {
    static func read(_ bytes: [UInt8]) throws(RatesDocumentError) -> PublishedRates {
        let root = try JSONReader.read(bytes)
        let gathered =
            switch root {
            case .object: try firstVersion(root)
            case .array(let pairs): try secondVersion(pairs)
            default: throw RatesDocumentError("an object or an array")
            }
        return try gathered.published(by: RatesProvider.frankfurter.title)
    }

    private static func firstVersion(
        _ root: JSONValue
    ) throws(RatesDocumentError) -> RatesGathering {
        // Rates are for this amount of the base.
        if let amount = root["amount"] {
            guard let text = amount.decimal, (try? ExchangeRate(text)) == .one else {
                throw RatesDocumentError("amount: expected 1")
            }
        }
        guard let base = root["base"]?.currency else {
            throw RatesDocumentError("base: expected a currency code")
        }
        guard case .string(let date) = root["date"], RatesDocument.isDay(date) else {
            throw RatesDocumentError("date: expected a day such as 2026-03-25")
        }
        return try root.rates(at: "rates", base: base, day: date)
    }

    /// Skips elements that are not pairs, and pairs whose base is not the most frequent one.
    private static func secondVersion(
        _ elements: [JSONValue]
    ) throws(RatesDocumentError) -> RatesGathering {
        var pairs: [Currency: [JSONValue]] = [:]
        for element in elements {
            if let base = element["base"]?.currency { pairs[base, default: []].append(element) }
        }
        let base = pairs.keys.sorted().max { pairs[$0]?.count ?? 0 < pairs[$1]?.count ?? 0 }
        guard let base, let ofBase = pairs[base] else {
            throw RatesDocumentError("base: expected a currency code")
        }
        var rates = RatesGathering(base: base)
        for pair in ofBase {
            guard let quote = pair["quote"]?.currency else { continue }
            try rates.add(pair["rate"]?.decimal, of: quote, day: pair["date"]?.text)
        }
        return rates
    }
}
