import CivilTime
import HTTPTestSupport
import Logging
import Money
import PublicAPI
import Publishing
import Testing

@Suite struct PublicAPITests {
    @Test("The five fields, in order, with exactly the currency's decimals")
    func fiveFields() async throws {
        try await PublicScope.withServer { server in
            let connection = try server.connect()
            for (target, expected) in [
                (PublicScope.path, #""base_currency":"USD","total_amount":12504500.50"#),
                (
                    PublicScope.path + "?base_currency=USD",
                    #""base_currency":"USD","total_amount":12504500.50"#
                ),
                (
                    PublicScope.path + "?base_currency=%55SD",
                    #""base_currency":"USD","total_amount":12504500.50"#
                ),
                (
                    PublicScope.path + "?base_currency=JPY",
                    #""base_currency":"JPY","total_amount":1250451"#
                ),
                (
                    PublicScope.path + "?base_currency=KWD",
                    #""base_currency":"KWD","total_amount":-0.005"#
                ),
                (
                    PublicScope.path + "?base_currency=EUR",
                    #""base_currency":"EUR","total_amount":0.00"#
                ),
            ] {
                await connection.send(PublicScope.get(target))
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
            base: PublicScope.bases[0], amount: 1, dataAsOf: PublicScope.time, isDegraded: true)
        #expect(degraded.json.hasSuffix(#","is_degraded":true}"#))
    }

    @Test("HEAD gets the header of GET; a current tag gets 304")
    func conditional() async throws {
        try await PublicScope.withServer { server in
            let connection = try server.connect()
            await connection.send(PublicScope.get(PublicScope.path))
            let full = try await connection.response()
            let tag = try #require(full["etag"])
            #expect(tag.hasPrefix("\"") && tag.hasSuffix("\"") && tag.count > 10)

            await connection.send(PublicScope.get(PublicScope.path, method: "HEAD"))
            let head = try await connection.response(hasBody: false)
            #expect(head.status == 200)
            #expect(head["etag"] == tag)
            #expect(head["content-length"] == "\(full.body.count)")

            for condition in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
                await connection.send(
                    PublicScope.get(PublicScope.path, headers: ["If-None-Match": condition]))
                let response = try await connection.response(hasBody: false)
                #expect(response.status == 304)
                #expect(response["etag"] == tag)
                #expect(response["cache-control"] == full["cache-control"])
                #expect(response["access-control-allow-origin"] == "*")
            }
            for condition in ["\"other\"", tag.replacing("\"", with: ""), ""] {
                await connection.send(
                    PublicScope.get(PublicScope.path, headers: ["If-None-Match": condition]))
                #expect(try await connection.response().status == 200)
            }
            await connection.send(PublicScope.get(PublicScope.path + "?base_currency=EUR"))
            #expect(try await connection.response()["etag"] != tag)
        }
    }

    @Test("The tag depends only on the body")
    func tagAgreesAcrossReplicas() async throws {
        func tag(_ rendered: RenderedReport) async throws -> String? {
            try await PublicScope.withServer(publishing: rendered) { server in
                try await server.answer(PublicScope.get(PublicScope.path))["etag"]
            }
        }
        let one = try await tag(PublicScope.rendered())
        #expect(try await tag(PublicScope.rendered()) == one)
        #expect(try await tag(PublicScope.rendered(degraded: true)) != one)
    }

    @Test("Every error is a problem+json that any page may read and no cache stores")
    func problems() async throws {
        try await PublicScope.withServer { server in
            let connection = try server.connect()
            for (request, status, kind) in [
                (PublicScope.get(PublicScope.path + "?base_currency=usd"), 400, "unknown-currency"),
                (PublicScope.get(PublicScope.path + "?base_currency="), 400, "unknown-currency"),
                (PublicScope.get(PublicScope.path + "?base_currency=XYZ"), 400, "unknown-currency"),
                (PublicScope.get(PublicScope.path + "?base_currency=GBP"), 400, "unknown-currency"),
                (PublicScope.get(PublicScope.path + "?base_currency=CHF"), 503, "unavailable"),
                (
                    PublicScope.get(PublicScope.path + "?base_currency=USD&base_currency=USD"), 400,
                    "invalid-query"
                ),
                (PublicScope.get(PublicScope.path + "?base=USD"), 400, "invalid-query"),
                (PublicScope.get(PublicScope.path + "?base_currency=U%5"), 400, "invalid-query"),
                (PublicScope.get(PublicScope.path + "/"), 404, "not-found"),
                (PublicScope.get("/internal/v1/rollup/deltas"), 404, "not-found"),
                (PublicScope.get(PublicScope.path, method: "POST"), 405, "method-not-allowed"),
                (PublicScope.get(PublicScope.path, method: "DELETE"), 405, "method-not-allowed"),
                (PublicScope.get(PublicScope.path, method: "OPTIONS"), 405, "method-not-allowed"),
                (PublicScope.get(PublicScope.path, method: "TRACE"), 405, "method-not-allowed"),
                (PublicScope.get("/livez", method: "POST"), 405, "method-not-allowed"),
                (PublicScope.get("/?view=standard"), 400, "invalid-query"),
                (PublicScope.get("/livez?verbose"), 400, "invalid-query"),
                (PublicScope.get("/?view=tv&view=tv"), 400, "invalid-query"),
                (PublicScope.get("/embed?base_currency=usd&utm_source=x"), 400, "unknown-currency"),
                (PublicScope.get("/openapi.json?utm_source=x"), 400, "invalid-query"),
                (PublicScope.get("/badge.svg?utm_source=x"), 400, "invalid-query"),
                (PublicScope.get(PublicScope.path + "?_=1"), 400, "invalid-query"),
                (
                    PublicScope.get(PublicScope.path + "/series?base_currency=X"), 400,
                    "unknown-currency"
                ),
                (
                    PublicScope.get(PublicScope.streamPath + "?base_currency=CHF"), 503,
                    "unavailable"
                ),
                (PublicScope.get(PublicScope.streamPath + "?from=1"), 400, "invalid-query"),
                (PublicScope.get("/oembed"), 400, "invalid-query"),
                (PublicScope.get("/oembed?url=http://api/&format=yaml"), 400, "invalid-query"),
                (
                    PublicScope.get("/oembed?url=http://api/&format=xml"), 501,
                    "format-not-implemented"
                ),
                (PublicScope.get("/oembed?url=http://api/&maxwidth=0"), 400, "invalid-query"),
                (PublicScope.get("/oembed?url=http://api/&maxheight=100001"), 400, "invalid-query"),
                (PublicScope.get("/oembed?url=http://elsewhere/"), 404, "nothing-to-embed"),
                (PublicScope.get("/oembed?url=http://api/livez"), 404, "nothing-to-embed"),
                (
                    PublicScope.get("/oembed?url=http://api/?base_currency=XXX"), 404,
                    "nothing-to-embed"
                ),
                (PublicScope.get("/oembed?url=javascript:alert(1)"), 404, "nothing-to-embed"),
                (PublicScope.get("/assets/none.css"), 404, "not-found"),
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
                #expect(
                    response["access-control-expose-headers"]
                        == (status == 503 ? "Retry-After" : nil))
                #expect(response["date"] != nil)
            }
        }
    }

    @Test(
        "Before the first rendered: 503 with Retry-After, alive, not ready; errors still get 400")
    func beforeTheFirst() async throws {
        try await PublicScope.withServer(publishing: nil) { server in
            let connection = try server.connect()
            for target in [PublicScope.path, "/readyz"] {
                await connection.send(PublicScope.get(target))
                let response = try await connection.response()
                #expect(response.status == 503)
                #expect(response["retry-after"] == "2")
            }
            await connection.send(PublicScope.get("/livez"))
            #expect(try await connection.response().text == "ok\n")
            await connection.send(PublicScope.get(PublicScope.path + "?base_currency=usd"))
            #expect(try await connection.response().status == 400)
        }
        try await PublicScope.withServer { server in
            let connection = try server.connect()
            await connection.send(PublicScope.get("/readyz"))
            let ready = try await connection.response()
            #expect(ready.text == "ok\n")
        }
    }
}
