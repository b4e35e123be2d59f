import HTTPTestSupport
import Hashing
import Money
import PublicAPI
import Publishing
import Testing

@Suite("The rate sets of the public interface") struct RateSetTests {
    private static func publish(_ shelf: RateSetShelf, at server: PublicServerUnderTest) {
        server.published.publish(RenderedReport(report: PublicScope.report(), rateSets: shelf))
    }

    private static func path(_ set: PublicRateSet) -> String { "/v1/rates/\(set.id)" }

    @Test func `a set is told in decimal text, with the day of each rate and a hash`()
        async throws
    {
        let set = PublicScope.rateSet()
        let content = "a \"test\"\n2026-03-25\nEUR\nJPY 163.27 2026-03-24\nUSD 1.0842\n"
        #expect(set.id == FNV1a.hash(content.utf8).hexadecimal)
        let body = """
            {"id":"\(set.id)","source":"a \\"test\\"","date":"2026-03-25","base":"EUR",\
            "hash":"fnv1a-64:\(set.id)","rates":[\
            {"currency":"JPY","rate":"163.27","date":"2026-03-24"},\
            {"currency":"USD","rate":"1.0842","date":"2026-03-25"}]}
            """
        try await PublicScope.withServer { server in
            for (path, caching) in [
                (Self.path(set), "public, max-age=31536000, immutable"),
                (
                    "/v1/rates/latest",
                    "public, max-age=1, stale-while-revalidate=30, stale-if-error=600"
                ),
            ] {
                let answer = try await server.answer(PublicScope.get(path))
                #expect(answer.status == 200)
                #expect(answer.text == body)
                #expect(answer["content-type"] == "application/json")
                #expect(answer["cache-control"] == caching)
                #expect(answer["access-control-allow-origin"] == "*")
                let tag = try #require(answer["etag"])
                let head = try await server.answer(
                    PublicScope.get(path, method: "HEAD"), hasBody: false)
                #expect(head.status == 200)
                #expect(head["content-length"] == "\(body.utf8.count)")
                let unchanged = try await server.answer(
                    PublicScope.get(path, headers: ["If-None-Match": tag]), hasBody: false)
                #expect(unchanged.status == 304)
                #expect(unchanged["cache-control"] == caching)
            }
        }
    }

    @Test func `a set that is no longer in force keeps its path, and the latest one changes`()
        async throws
    {
        let (first, second) = (PublicScope.rateSet(), PublicScope.rateSet(usd: "1.09"))
        #expect(first.id != second.id)
        try await PublicScope.withServer { server in
            for sets in [[first], [first, second], [first, second, first]] {
                var shelf = RateSetShelf()
                for set in sets { shelf.put(set) }
                Self.publish(shelf, at: server)
                let latest = try await server.answer(PublicScope.get("/v1/rates/latest"))
                for set in sets {
                    let answer = try await server.answer(PublicScope.get(Self.path(set)))
                    #expect(answer.text.hasPrefix(#"{"id":"\#(set.id)","#))
                    #expect((answer.text == latest.text) == (set == sets.last))
                }
            }
        }
    }

    @Test func `the set that was in force longest ago is forgotten first`() async throws {
        let sets = (1...RateSetShelf.setsMax + 1).map { PublicScope.rateSet(usd: "1.\($0)1") }
        var shelf = RateSetShelf()
        for set in sets.dropLast() { shelf.put(set) }
        // Back in force, the first set is no longer the one to go.
        shelf.put(sets[0])
        shelf.put(sets[sets.count - 1])
        let kept = shelf
        try await PublicScope.withServer { server in
            Self.publish(kept, at: server)
            let connection = try server.connect()
            for (place, set) in sets.enumerated() {
                await connection.send(PublicScope.get(Self.path(set)))
                let status = try await connection.response().status
                #expect(status == (place == 1 ? 404 : 200), "\(place)")
            }
        }
    }

    @Test func `mistakes are problems`() async throws {
        let id = PublicScope.rateSet().id
        try await PublicScope.withServer { server in
            for (request, status, kind) in [
                (PublicScope.get("/v1/rates/0123456789abcdef"), 404, "unknown-rate-set"),
                (PublicScope.get("/v1/rates/\(id)/"), 404, "unknown-rate-set"),
                (PublicScope.get("/v1/rates/\(id.uppercased())"), 404, "unknown-rate-set"),
                (PublicScope.get("/v1/rates/%00"), 404, "unknown-rate-set"),
                (PublicScope.get("/v1/rates/"), 404, "not-found"),
                (PublicScope.get("/v1/rates"), 404, "not-found"),
                (PublicScope.get("/v1/ratesx/\(id)"), 404, "not-found"),
                (PublicScope.get("/v1/rates/\(id)?base_currency=EUR"), 400, "invalid-query"),
                (PublicScope.get("/v1/rates/latest?_=1"), 400, "invalid-query"),
                (PublicScope.get("/v1/rates/\(id)", method: "POST"), 405, "method-not-allowed"),
            ] {
                let answer = try await server.answer(request)
                #expect(answer.status == status, "\(request)")
                #expect(answer["content-type"] == "application/problem+json")
                #expect(answer["cache-control"] == "no-store")
                #expect(answer.text.contains(#""type":"/problems/\#(kind)""#), "\(request)")
            }
        }
    }

    @Test func `before the first rates, and before the first report, it is too early`()
        async throws
    {
        for rendered in [nil, RenderedReport(report: PublicScope.report())] {
            try await PublicScope.withServer(publishing: rendered) { server in
                let answer = try await server.answer(PublicScope.get("/v1/rates/latest"))
                #expect(answer.status == 503)
                #expect(answer["retry-after"] == "2")
                let other = try await server.answer(PublicScope.get("/v1/rates/0123456789abcdef"))
                #expect(other.status == (rendered == nil ? 503 : 404))
            }
        }
    }
}
