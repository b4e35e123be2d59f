internal import CivilTime
internal import Money
internal import RatesCore
internal import Topology

/// Open Exchange Rates' `latest.json`: `{timestamp, base, rates: {code: rate}}` and notes.
enum OpenExchangeRatesDocument {
    /// The last second of the year 9999.
    private static let lastTimestamp: Int64 = 253_402_300_799

    static func read(_ bytes: [UInt8]) throws(RatesDocumentError) -> PublishedRates {
        let root = try JSONReader.read(bytes)
        guard case .number(let digits) = root["timestamp"], let seconds = Int64(digits),
            (1...lastTimestamp).contains(seconds)
        else { throw RatesDocumentError("timestamp: expected seconds since 1970") }
        guard let base = root["base"]?.currency else {
            throw RatesDocumentError("base: expected a currency code")
        }
        let publishedAt = UnixTime(seconds: seconds)
        let day = String(RFC3339.format(publishedAt).prefix(10))
        return try root.rates(at: "rates", base: base, day: day)
            .published(by: RatesProvider.openExchangeRates.title, at: publishedAt)
    }
}

extension JSONValue {
    /// The contents of a JSON string; nil for any other value.
    var text: String? { if case .string(let text) = self { text } else { nil } }

    /// The known currency whose code this is.
    var currency: Currency? { text.flatMap(Currency.init(code:)) }

    /// The decimal text of a number, or of a text that should be one.
    var decimal: String? {
        switch self {
        case .number(let text), .string(let text): text
        default: nil
        }
    }

    /// The rates in the object at `key`. Skips codes outside our table, such as those of metals and
    /// cryptocurrencies.
    func rates(
        at key: String, base: Currency, day: String
    ) throws(RatesDocumentError) -> RatesGathering {
        guard case .object(let members) = self[key] else {
            throw RatesDocumentError("\(key): expected rates by currency code")
        }
        var rates = RatesGathering(base: base)
        for (code, value) in members {
            guard let currency = Currency(code: code) else { continue }
            try rates.add(value.decimal, of: currency, day: day)
        }
        return rates
    }
}
