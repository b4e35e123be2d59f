internal import CivilTime
internal import Money
internal import Topology

/// Open Exchange Rates' `latest.json`: `{timestamp, base, rates: {code: rate}}` and notes.
enum OpenExchangeRatesDocument {
    /// The last second of the year 9999.
    private static let lastTimestamp: Int64 = 253_402_300_799

    static func read(_ bytes: [UInt8]) throws(RatesDocumentError) -> PublishedRates {
        let root = try JSONReader.read(bytes)
        guard case .number(let digits) = root["timestamp"], let seconds = Int64(digits),
            (1...lastTimestamp).contains(seconds)
        else { throw RatesDocumentError(.malformed, "timestamp: expected seconds since 1970") }
        guard let base = root["base"]?.currency else {
            throw RatesDocumentError(.malformed, "base: expected a currency code")
        }
        let publishedAt = UnixTime(seconds: seconds)
        let set = try RatesDocument.set(
            of: .openExchangeRates, date: String(RFC3339.format(publishedAt).prefix(10)),
            base: base, rates: try root.ratesByCode("rates"))
        return PublishedRates(set: set, publishedAt: publishedAt)
    }
}

extension JSONValue {
    /// The known currency whose code this is.
    var currency: Currency? {
        if case .string(let text) = self { Currency(code: text) } else { nil }
    }

    /// The decimal text of a number, or of a text that should be one.
    var decimal: String? {
        switch self {
        case .number(let text), .string(let text): text
        default: nil
        }
    }

    /// The rates in the object at `key`. Codes outside our table, of metals and coins of no state,
    /// are passed over.
    func ratesByCode(_ key: String) throws(RatesDocumentError) -> [Currency: ExchangeRate] {
        guard case .object(let members) = self[key] else {
            throw RatesDocumentError(.malformed, "\(key): expected rates by currency code")
        }
        var rates: [Currency: ExchangeRate] = [:]
        for (code, value) in members {
            guard let currency = Currency(code: code) else { continue }
            guard let text = value.decimal else {
                throw RatesDocumentError(.malformed, "\(currency): expected a number")
            }
            rates[currency] = try RatesDocument.rate(text, of: currency)
        }
        return rates
    }
}
