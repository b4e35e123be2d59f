import CivilTime
import HTTPTestSupport
import Logging
import Money
import PublicAPI
import Reporting
import Testing

@Suite struct PublicAPITests {
    static let path = "/v1/metrics/money-moved/24h"
    static let bases = ["EUR", "JPY", "KWD", "USD", "CHF"].map { Currency(code: $0)! }
    /// 2026-03-25T13:28:00.999Z: a fraction of a second is cut.
    static let time = UnixTime(milliseconds: 1_774_445_280_999)

    /// A snapshot with a rate for all bases but CHF.
    static func snapshot(degraded: Bool = false) -> PublicSnapshot {
        PublicSnapshot(
            report: PublicReport(
                version: "s.1", currentMinute: time.minute, dataAsOf: time, madeAt: time,
                currencies: [], other: nil, regions: [], rates: nil,
                degradations: degraded ? [ReportedDegradation(reason: "store_unreachable")] : [],
                late: [],
                bases: [("EUR", 0), ("JPY", 1_250_451), ("KWD", -5), ("USD", 1_250_450_050)].map {
                    BaseReport(
                        currency: Currency(code: $0)!, total: $1, currencies: [], other: nil,
                        regions: [], series: [])
                },
                defaultBase: Currency(code: "USD")!))
    }

    static func api(publishing snapshot: PublicSnapshot? = snapshot()) -> PublicAPI {
        let published = PublishedSnapshot()
        if let snapshot { published.publish(snapshot) }
        return PublicAPI(bases: bases, defaultBase: bases[3], published: published)
    }

    static func get(
        _ target: String, method: String = "GET", headers: [String: String] = [:]
    ) -> String {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: api\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        return text + "\r\n"
    }

    func withAPI(
        _ api: PublicAPI = api(), _ body: @Sendable @escaping (RawConnection) async throws -> Void
    ) async throws {
        try await withListener {
            api.listener(on: anyLoopbackPort, logger: Logger(label: "test"), onListening: $0)
        } _: {
            try await body(RawConnection(port: $0))
        }
    }

    @Test("The five fields, in their order, with exactly the currency's digits")
    func fiveFields() async throws {
        try await withAPI { connection in
            for (target, expected) in [
                (Self.path, #""base_currency":"USD","total_amount":12504500.50"#),
                (
                    Self.path + "?base_currency=USD",
                    #""base_currency":"USD","total_amount":12504500.50"#
                ),
                (
                    Self.path + "?base_currency=%55SD",
                    #""base_currency":"USD","total_amount":12504500.50"#
                ),
                (
                    Self.path + "?base_currency=JPY",
                    #""base_currency":"JPY","total_amount":1250451"#
                ),
                (Self.path + "?base_currency=KWD", #""base_currency":"KWD","total_amount":-0.005"#),
                (Self.path + "?base_currency=EUR", #""base_currency":"EUR","total_amount":0.00"#),
            ] {
                await connection.send(Self.get(target))
                let response = try await connection.response()
                #expect(response.status == 200)
                #expect(
                    response.text == #"{"time_window":"24h","# + expected
                        + #","data_as_of":"2026-03-25T13:28:00Z","is_degraded":false}"#)
                #expect(response["content-type"] == "application/json")
                #expect(
                    response["cache-control"]
                        == "public, max-age=1, stale-while-revalidate=30, stale-if-error=600")
                #expect(response["access-control-allow-origin"] == "*")
                #expect(response["x-content-type-options"] == "nosniff")
                #expect(response["server"] == nil)
            }
        }
        let degraded = MoneyMoved(
            base: Self.bases[0], amount: 1, dataAsOf: Self.time, isDegraded: true)
        #expect(degraded.json.hasSuffix(#","is_degraded":true}"#))
    }

    @Test("HEAD answers the header of GET; a tag that still holds answers 304")
    func conditional() async throws {
        try await withAPI { connection in
            await connection.send(Self.get(Self.path))
            let full = try await connection.response()
            let tag = try #require(full["etag"])
            #expect(tag.hasPrefix("\"") && tag.hasSuffix("\"") && tag.count > 10)

            await connection.send(Self.get(Self.path, method: "HEAD"))
            let head = try await connection.response(hasBody: false)
            #expect(head.status == 200)
            #expect(head["etag"] == tag)
            #expect(head["content-length"] == "\(full.body.count)")

            for condition in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
                await connection.send(
                    Self.get(Self.path, headers: ["If-None-Match": condition]))
                let response = try await connection.response(hasBody: false)
                #expect(response.status == 304)
                #expect(response["etag"] == tag)
                #expect(response["cache-control"] == full["cache-control"])
                #expect(response["access-control-allow-origin"] == "*")
            }
            for condition in ["\"other\"", tag.replacing("\"", with: ""), ""] {
                await connection.send(
                    Self.get(Self.path, headers: ["If-None-Match": condition]))
                #expect(try await connection.response().status == 200)
            }
            await connection.send(Self.get(Self.path + "?base_currency=EUR"))
            #expect(try await connection.response()["etag"] != tag)
        }
    }

    @Test("The tag is a function of the body alone")
    func tagAgreesAcrossReplicas() async throws {
        @Sendable func tag(_ snapshot: PublicSnapshot) async throws -> String? {
            try await withListener {
                Self.api(publishing: snapshot).listener(
                    on: anyLoopbackPort, logger: Logger(label: "test"), onListening: $0)
            } _: { port in
                let connection = try RawConnection(port: port)
                await connection.send(Self.get(Self.path))
                return try await connection.response()["etag"]
            }
        }
        let one = try await tag(Self.snapshot())
        #expect(try await tag(Self.snapshot()) == one)
        #expect(try await tag(Self.snapshot(degraded: true)) != one)
    }

    @Test("Every mistake is a problem+json that any page may read and no cache keeps")
    func problems() async throws {
        try await withAPI { connection in
            for (request, status, kind) in [
                (Self.get(Self.path + "?base_currency=usd"), 400, "unknown-currency"),
                (Self.get(Self.path + "?base_currency="), 400, "unknown-currency"),
                (Self.get(Self.path + "?base_currency=XYZ"), 400, "unknown-currency"),
                (Self.get(Self.path + "?base_currency=GBP"), 400, "unknown-currency"),
                (Self.get(Self.path + "?base_currency=CHF"), 400, "no-rate"),
                (
                    Self.get(Self.path + "?base_currency=USD&base_currency=USD"), 400,
                    "invalid-query"
                ),
                (Self.get(Self.path + "?base=USD"), 400, "invalid-query"),
                (Self.get(Self.path + "?base_currency=U%5"), 400, "invalid-query"),
                (Self.get(Self.path + "/"), 404, "not-found"),
                (Self.get("/internal/v1/rollup/deltas"), 404, "not-found"),
                (Self.get(Self.path, method: "POST"), 405, "method-not-allowed"),
                (Self.get(Self.path, method: "DELETE"), 405, "method-not-allowed"),
                (Self.get(Self.path, method: "OPTIONS"), 405, "method-not-allowed"),
                (Self.get(Self.path, method: "TRACE"), 405, "method-not-allowed"),
                (Self.get("/livez", method: "POST"), 405, "method-not-allowed"),
            ] {
                await connection.send(request)
                let response = try await connection.response()
                #expect(response.status == status, "\(request)")
                #expect(response["content-type"] == "application/problem+json")
                #expect(response["access-control-allow-origin"] == "*")
                #expect(response["x-content-type-options"] == "nosniff")
                #expect(response["cache-control"] == "no-store")
                #expect(response.text.contains(#""type":"/problems/\#(kind)""#), "\(request)")
                #expect(response["allow"] == (status == 405 ? "GET, HEAD" : nil))
            }
        }
    }

    @Test(
        "Before the first snapshot: 503 with Retry-After, alive, not ready; mistakes are still 400")
    func beforeTheFirst() async throws {
        try await withAPI(Self.api(publishing: nil)) { connection in
            for target in [Self.path, "/readyz"] {
                await connection.send(Self.get(target))
                let response = try await connection.response()
                #expect(response.status == 503)
                #expect(response["retry-after"] == "2")
            }
            await connection.send(Self.get("/livez"))
            #expect(try await connection.response().text == "ok\n")
            await connection.send(Self.get(Self.path + "?base_currency=usd"))
            #expect(try await connection.response().status == 400)
        }
        try await withAPI { connection in
            await connection.send(Self.get("/readyz"))
            let ready = try await connection.response()
            #expect(ready.text == "ok\n")
        }
    }
}
