internal import Money
internal import Topology

/// The European Central Bank's `eurofxref-daily.xml`: one `Cube` around one `Cube` with the day,
/// around a `Cube` with the rate of each currency, in units per euro.
enum EuropeanCentralBankDocument {
    private static let root = "gesmes:Envelope"
    private static let cube = "Cube"

    static func read(_ bytes: [UInt8]) throws(RatesDocumentError) -> PublishedRates {
        guard let euro = Currency(code: "EUR") else {
            throw RatesDocumentError(.malformed, "a currency table with the euro")
        }
        var reader = XMLReader(bytes)
        var date: String?
        var rates: [Currency: ExchangeRate] = [:]
        while let element = try reader.nextElement() {
            switch element.path {
            case [root, cube, cube]:
                guard date == nil, let day = element.attributes["time"], RatesDocument.isDay(day)
                else { throw RatesDocumentError(.malformed, "the rates of one day") }
                date = day
            case [root, cube, cube, cube]:
                guard let code = element.attributes["currency"],
                    let text = element.attributes["rate"]
                else { throw RatesDocumentError(.malformed, "a currency and a rate") }
                guard let currency = Currency(code: code) else { continue }
                guard rates[currency] == nil else {
                    throw RatesDocumentError(.malformed, "\(currency): expected one rate")
                }
                rates[currency] = try RatesDocument.rate(text, of: currency)
            default:
                guard element.path.first == root else {
                    throw RatesDocumentError(.malformed, "the root element \(root)")
                }
            }
        }
        guard let date else { throw RatesDocumentError(.malformed, "the rates of one day") }
        return PublishedRates(
            set: try RatesDocument.set(
                of: .europeanCentralBank, date: date, base: euro, rates: rates))
    }
}
