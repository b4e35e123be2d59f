import CivilTime
import Money
import RatesCore
import RatesFeed
import Topology

/// Documents in the formats of the providers, with made-up rates.
enum RatesFixture {
    static let centralBank = """
        <?xml version="1.0" encoding="UTF-8"?>
        <gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" \
        xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
        \t<gesmes:subject>Reference rates</gesmes:subject>
        \t<gesmes:Sender>
        \t\t<gesmes:name>European Central Bank</gesmes:name>
        \t</gesmes:Sender>
        \t<Cube>
        \t\t<Cube time='2026-11-20'>
        \t\t\t<Cube currency='USD' rate='1.0705'/>
        \t\t\t<Cube currency='JPY' rate='171.94'/>
        \t\t\t<Cube currency='GBP' rate='0.84638'/>
        \t\t\t<Cube currency='KRW' rate='1474.86'/></Cube>
        \t</Cube>
        </gesmes:Envelope>
        """

    static let frankfurter = """
        {"amount":1.0,"base":"EUR","date":"2026-11-20","rates":{"GBP":0.84638,"JPY":171.94,\
        "USD":1.0705}}
        """

    static let frankfurterSecond = """
        [{"date":"2026-11-20","base":"EUR","quote":"GBP","rate":0.84638},
         {"date":"2026-11-20","base":"EUR","quote":"USD","rate":1.0705,
          "providers":[{"key":"ecb","date":"2026-11-20","rate":1.0705,"excluded":false}]},
         {"date":"2026-11-18","base":"EUR","quote":"CNY","rate":7.7748},
         {"date":"2026-11-20","base":"EUR","quote":"XAU","rate":0.000459},
         {"date":"2026-11-05","base":"EUR","quote":"RUB","rate":91.5}]
        """

    /// 2026-11-20 17:00:05 UTC.
    static let timestamp: Int64 = 1_795_194_005

    static let openExchangeRates = """
        {
          "disclaimer": "Usage subject to terms: https://openexchangerates.org/terms",
          "license": "https://openexchangerates.org/license",
          "timestamp": 1795194005,
          "base": "USD",
          "rates": {
            "BTC": 0.000010731,
            "EUR": 0.934142,
            "GBP": 0.790629,
            "JPY": 160.61467538,
            "KWD": 0.306712,
            "USD": 1,
            "XAU": 0.00042889
          }
        }
        """

    static func document(of provider: RatesProvider) -> String {
        switch provider {
        case .europeanCentralBank: centralBank
        case .frankfurter: frankfurter
        case .openExchangeRates: openExchangeRates
        }
    }

    static func read(
        _ text: String, of provider: RatesProvider
    ) throws(RatesDocumentError) -> PublishedRates {
        try RatesDocument.read(Array(text.utf8), of: provider)
    }

    /// Whether reading the document fails, so that it gives no rates at all.
    static func isRefused(_ text: String, of provider: RatesProvider) -> Bool {
        (try? read(text, of: provider)) == nil
    }

    /// Code and rate of each currency, in the order of codes.
    static func listed(_ set: RateSet) -> [String] {
        set.currencies.map { "\($0) \(set.rate(of: $0)?.description ?? "none")" }
    }

    /// Code and rate of each quote, in the order of codes.
    static func listed(_ rates: PublishedRates) -> [String] {
        rates.quotes.sorted { $0.key < $1.key }.map { "\($0) \($1.rate)" }
    }

    /// Code and flaw, in the order of codes.
    static func flaws(_ flaws: [Currency: RatesProblem]) -> [String] {
        flaws.sorted { $0.key < $1.key }.map { "\($0) \($1)" }
    }

    static func rates(
        _ rates: [String: String], date: String = "2026-11-20", base: String = "EUR",
        publishedAt: UnixTime? = nil
    ) throws -> PublishedRates {
        var parsed: [Currency: ExchangeRate] = [:]
        for (code, text) in rates { parsed[currency(code)] = try ExchangeRate(text) }
        guard
            let set = RateSet(source: "test", date: date, base: currency(base), rates: parsed)
        else { throw RatesFixtureError() }
        return PublishedRates(set, publishedAt: publishedAt)
    }

    static func currency(_ code: String) -> Currency { Currency(code: code)! }

    static func time(_ text: String) -> UnixTime { RFC3339.parse(text)! }
}

struct RatesFixtureError: Error {}
