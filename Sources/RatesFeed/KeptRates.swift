package import CivilTime
internal import Money
package import Topology

/// A provider's last good rates as bytes, for a later run. JSON, so that people can read it.
package struct KeptRates: Sendable {
    package var provider: RatesProvider
    package var rates: PublishedRates
    /// When the rates were first fetched.
    package var fetchedAt: UnixTime

    package init(provider: RatesProvider, rates: PublishedRates, fetchedAt: UnixTime) {
        self.provider = provider
        self.rates = rates
        self.fetchedAt = fetchedAt
    }

    /// Of no text but codes, digits and names of ours: nothing needs an escape.
    package var bytes: [UInt8] {
        let set = rates.set
        let quoted = set.currencies.compactMap { currency in
            set.rate(of: currency).map { "    \"\(currency)\": \"\($0)\"" }
        }
        let earlier = rates.earlierDates.sorted { $0.key < $1.key }.map { currency, date in
            "    \"\(currency)\": \"\(date)\""
        }
        let publishedAt = rates.publishedAt.map { "\($0.milliseconds)" } ?? "null"
        return Array(
            """
            {
              "provider": "\(provider.rawValue)",
              "base": "\(set.base)",
              "date": "\(set.date)",
              "fetched_at_ms": \(fetchedAt.milliseconds),
              "published_at_ms": \(publishedAt),
              "rates": {
            \(quoted.joined(separator: ",\n"))
              },
              "earlier_dates": {
            \(earlier.joined(separator: ",\n"))
              }
            }

            """.utf8)
    }

    /// Reads what `bytes` wrote.
    package init(_ bytes: [UInt8]) throws(RatesDocumentError) {
        guard bytes.count <= RatesDocument.maximumBytes else {
            throw RatesDocumentError(.malformed, "at most \(RatesDocument.maximumBytes) bytes")
        }
        let root = try JSONReader.read(bytes)
        guard case .string(let name) = root["provider"],
            let provider = RatesProvider(rawValue: name),
            let base = root["base"]?.currency, case .string(let date) = root["date"],
            RatesDocument.isDay(date), case .number(let fetched) = root["fetched_at_ms"],
            let fetchedAt = Int64(fetched), let published = root["published_at_ms"],
            case .object(let earlier) = root["earlier_dates"]
        else { throw RatesDocumentError(.malformed, "the rates of an earlier run") }
        var publishedAt: UnixTime?
        if case .number(let digits) = published, let milliseconds = Int64(digits) {
            publishedAt = UnixTime(milliseconds: milliseconds)
        }
        var earlierDates: [Currency: String] = [:]
        for (code, value) in earlier {
            guard let currency = Currency(code: code), case .string(let day) = value,
                RatesDocument.isDay(day)
            else { throw RatesDocumentError(.malformed, "earlier_dates: expected days") }
            earlierDates[currency] = day
        }
        let set = try RatesDocument.set(
            of: provider, date: date, base: base, rates: try root.ratesByCode("rates"))
        self.init(
            provider: provider,
            rates: PublishedRates(
                set: set, publishedAt: publishedAt, earlierDates: earlierDates),
            fetchedAt: UnixTime(milliseconds: fetchedAt))
    }
}
