internal import Money
internal import RatesCore
internal import Topology

/// The European Central Bank's `eurofxref-daily.xml`: a `Cube` that contains a `Cube` with the day,
/// which contains a `Cube` for each currency with its rate in units per euro. If a document has
/// several days, like the bank's history, only the newest counts.
enum EuropeanCentralBankDocument {
    private static let root = "gesmes:Envelope"
    private static let cube = "Cube"

    static func read(_ bytes: [UInt8]) throws(RatesDocumentError) -> PublishedRates {
        guard let euro = Currency(code: "EUR") else {
            throw RatesDocumentError("a currency table with the euro")
        }
        var reader = XMLReader(bytes)
        var day = ""
        var rates: [String: RatesGathering] = [:]
        while let element = try reader.nextElement() {
            switch element.path {
            case [root, cube, cube]:
                guard let time = element.attributes["time"], RatesDocument.isDay(time) else {
                    throw RatesDocumentError("the rates of a day")
                }
                day = time
            case [root, cube, cube, cube]:
                guard let currency = element.attributes["currency"].flatMap(Currency.init(code:))
                else { continue }
                var ofDay = rates[day] ?? RatesGathering(base: euro)
                try ofDay.add(element.attributes["rate"], of: currency, day: day)
                rates[day] = ofDay
            default:
                guard element.path.first == root else {
                    throw RatesDocumentError("the root element \(root)")
                }
            }
        }
        guard let newest = rates.max(by: { $0.key < $1.key }) else {
            throw RatesDocumentError("the rates of a day")
        }
        return try newest.value.published(by: RatesProvider.europeanCentralBank.title)
    }
}
