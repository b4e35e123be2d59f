internal import CivilTime
internal import Money
package import Topology

/// Reads what providers answer. Pure; strict: a document that is not exactly what its provider
/// documents gives no rates, whatever the status code said. Digits are taken as they are written
/// and never pass through floating point.
package enum RatesDocument {
    /// The largest document that is read, in bytes. Those of today have 2 to 30 KiB.
    package static let maximumBytes = 1 << 20

    /// The rates in `bytes`.
    package static func read(
        _ bytes: [UInt8], of provider: RatesProvider
    ) throws(RatesDocumentError) -> PublishedRates {
        guard bytes.count <= maximumBytes else {
            throw RatesDocumentError(.malformed, "a document of at most \(maximumBytes) bytes")
        }
        return switch provider {
        case .europeanCentralBank: try EuropeanCentralBankDocument.read(bytes)
        case .frankfurter: try FrankfurterDocument.read(bytes)
        case .openExchangeRates: try OpenExchangeRatesDocument.read(bytes)
        }
    }

    /// Whether `text` is a day of the calendar as `YYYY-MM-DD`.
    static func isDay(_ text: String) -> Bool {
        text.utf8.count == 10 && RFC3339.parse("\(text)T00:00:00Z") != nil
    }

    /// The rate of a currency as its provider wrote it.
    static func rate(
        _ text: String, of currency: Currency
    ) throws(RatesDocumentError) -> ExchangeRate {
        do {
            return try ExchangeRate(text)
        } catch {
            let problem: RatesProblem = error == .notPositive ? .notPositive : .malformed
            throw RatesDocumentError(problem, "\(currency): expected \(error)")
        }
    }

    /// A set of these rates, of which there must be at least one.
    static func set(
        of provider: RatesProvider, date: String, base: Currency, rates: [Currency: ExchangeRate]
    ) throws(RatesDocumentError) -> RateSet {
        guard rates.keys.contains(where: { $0 != base }) else {
            throw RatesDocumentError(.malformed, "a rate of at least one known currency")
        }
        guard
            let set = RateSet(source: provider.title, date: date, base: base, rates: rates)
        else { throw RatesDocumentError(.malformed, "1 as the base's own rate") }
        return set
    }
}
