internal import CivilTime
package import RatesCore
package import Topology

/// Reads the answers of providers. Pure. Strict about the kind of document, whatever its status
/// code, and lenient about single elements: it leaves out and names those that are not rates. Reads
/// digits exactly, without floating point.
package enum RatesDocument {
    /// The largest document that is read, in bytes. Current ones have 2 to 30 KiB.
    package static let maximumBytes = 1 << 20

    /// The rates in `bytes`, which may be compressed with gzip.
    package static func read(
        _ bytes: [UInt8], of provider: RatesProvider
    ) throws(RatesDocumentError) -> PublishedRates {
        guard bytes.count <= maximumBytes else {
            throw RatesDocumentError("a document of at most \(maximumBytes) bytes")
        }
        let plain = try GzipDocument.plain(bytes)
        return switch provider {
        case .europeanCentralBank: try EuropeanCentralBankDocument.read(plain)
        case .frankfurter: try FrankfurterDocument.read(plain)
        case .openExchangeRates: try OpenExchangeRatesDocument.read(plain)
        }
    }

    /// Whether `text` is a day of the calendar as `YYYY-MM-DD`.
    static func isDay(_ text: String) -> Bool {
        text.utf8.count == 10 && RFC3339.parse("\(text)T00:00:00Z") != nil
    }
}
