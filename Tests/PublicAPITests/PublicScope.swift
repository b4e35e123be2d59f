import CivilTime
import HTTPTestSupport
import Identifiers
import Logging
import Money
import PublicAPI
import Publishing

/// A report with known figures, and the listener that serves it.
enum PublicScope {
    static let path = "/v1/metrics/money-moved/24h"
    static let streamPath = "/v1/metrics/money-moved/stream"
    static let bases = ["EUR", "JPY", "KWD", "USD", "CHF"].map { Currency(code: $0)! }
    /// 2026-03-25T13:28:00.999Z: a fraction of a second is cut.
    static let time = UnixTime(milliseconds: 1_774_445_280_999)

    /// With a rate for all bases but CHF.
    static func report(
        version: String = "s.1", usd: Int128 = 1_250_450_050, degraded: Bool = false
    ) -> PublicReport {
        PublicReport(
            version: version, currentMinute: time.minute, dataAsOf: time, madeAt: time,
            currencies: [], other: nil, regions: [], rates: nil,
            degradations: degraded ? [ReportedDegradation(reason: "store_unreachable")] : [],
            accounts: Accounts(late: [], missed: [], ahead: [], corrections: []),
            bases: [("EUR", 0), ("JPY", 1_250_451), ("KWD", -5), ("USD", usd)].map {
                BaseReport(
                    currency: Currency(code: $0)!, total: $1, currencies: [], other: nil,
                    regions: [], series: Array(repeating: 1, count: 1_440))
            },
            defaultBase: Currency(code: "USD")!)
    }

    /// Two rates of the euro. The dollar's has the digits that are given, the yen's is a day older.
    static func rateSet(usd: String = "1.0842") -> PublicRateSet {
        let (euro, yen, dollar) = (bases[0], bases[1], bases[3])
        let days = [yen: "2026-03-24"]
        let set = RateSet(
            source: "a \"test\"", date: "2026-03-25", base: euro,
            rates: [yen: try! ExchangeRate("163.270"), dollar: try! ExchangeRate(usd)], days: days)
        return PublicRateSet(set!, days: days)
    }

    static func shelf(_ sets: PublicRateSet...) -> RateSetShelf {
        var shelf = RateSetShelf()
        for set in sets { shelf.put(set) }
        return shelf
    }

    static func rendered(degraded: Bool = false) -> RenderedReport {
        RenderedReport(report: report(degraded: degraded), rateSets: shelf(rateSet()))
    }

    static func get(
        _ target: String, method: String = "GET", headers: [String: String] = [:]
    ) -> String {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: api\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        return text + "\r\n"
    }

    /// Runs a server while `body` runs.
    static func withServer<Value: Sendable>(
        publishing rendered: RenderedReport? = rendered(),
        _ adjust: (inout PublicServerConfiguration) -> Void = { _ in },
        _ body: @Sendable @escaping (PublicServerUnderTest) async throws -> Value
    ) async throws -> Value {
        let published = ReportBoard()
        if let rendered { published.publish(rendered) }
        var configuration = PublicServerConfiguration(address: anyLoopbackPort)
        configuration.threads = 1
        adjust(&configuration)
        let api = PublicAPI(bases: bases, defaultBase: bases[3], published: published)
        let chosen = configuration
        var logger = Logger(label: "test")
        logger.logLevel = .warning
        let quiet = logger
        return try await withListener {
            api.listener(chosen, logger: quiet, onListening: $0)
        } _: { port in
            try await body(PublicServerUnderTest(port: port, published: published))
        }
    }
}

/// A running server and its report.
struct PublicServerUnderTest: Sendable {
    let port: Int
    let published: ReportBoard

    func connect() throws -> RawConnection { try RawConnection(port: port) }

    /// Publishes a report and notifies viewers.
    func publish(_ report: PublicReport) {
        published.publish(RenderedReport(report: report))
        published.notifyViewers()
    }

    /// One request on its own connection.
    func answer(_ request: String, hasBody: Bool = true) async throws -> RawResponse {
        let connection = try connect()
        await connection.send(request)
        return try await connection.response(hasBody: hasBody)
    }
}
