/// A service that publishes exchange rates, by its name in the topology file.
package enum RatesProvider: String, CaseIterable, Hashable, Sendable {
    /// The European Central Bank's daily reference rates: about 30 currencies, base EUR.
    case europeanCentralBank = "ecb"
    /// Frankfurter, of either version: the rates of central banks as JSON.
    case frankfurter
    /// Open Exchange Rates: about 170 currencies, hourly, with an app id.
    case openExchangeRates = "open_exchange_rates"

    /// The name for display.
    package var title: String {
        switch self {
        case .europeanCentralBank: "ECB"
        case .frankfurter: "Frankfurter"
        case .openExchangeRates: "Open Exchange Rates"
        }
    }

    /// The URL of its rates unless the topology gives another.
    package var defaultURL: String {
        switch self {
        case .europeanCentralBank:
            "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml"
        case .frankfurter: "https://api.frankfurter.dev/v1/latest"
        case .openExchangeRates: "https://openexchangerates.org/api/latest.json"
        }
    }

    /// How often HQ asks. Providers that publish once a day mostly answer 304. The free plan of
    /// Open Exchange Rates allows 1,000 requests a month, one every 43 minutes.
    package var defaultRefresh: Duration {
        switch self {
        case .europeanCentralBank, .frankfurter: .seconds(15 * 60)
        case .openExchangeRates: .seconds(3_600)
        }
    }

    /// Whether it requires an app id.
    package var needsAppID: Bool { self == .openExchangeRates }
}
