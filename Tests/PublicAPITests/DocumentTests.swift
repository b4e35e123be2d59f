import CivilTime
import Dashboard
import Foundation
import HTTPTestSupport
import Identifiers
import Money
import PublicAPI
import Publishing
import Testing

@Suite struct DocumentTests {
    static let eur = Currency(code: "EUR")!
    static let jpy = Currency(code: "JPY")!
    static let usd = Currency(code: "USD")!

    /// Two currencies with figures, one without a rate, some folded together.
    static func report() throws -> PublicReport {
        let region = try #require(RegionID("eu-west"))
        let other = try #require(RegionID("us-east"))
        let time = PublicScope.time
        return PublicReport(
            version: "9f.7", currentMinute: time.minute, dataAsOf: time, madeAt: time,
            currencies: [
                CurrencyFigure(currency: eur, amount: 9_007_199_254_740_993, transfers: 12),
                CurrencyFigure(currency: jpy, amount: 5, transfers: 6),
            ],
            other: OtherFigure(currencies: 2, transfers: 3),
            regions: [
                RegionStanding(region: region, state: .live, observedThrough: time),
                RegionStanding(region: other, state: .missing, observedThrough: nil),
            ],
            rates: RatesStanding(
                id: "ab\"c", source: "ECB", date: "2026-03-25", fetchedAt: nil, isStale: false,
                rounding: "half_even", days: [eur: "2026-03-25", jpy: "2026-03-12"],
                held: [
                    HeldRate(
                        currency: eur, rate: try ExchangeRate("0.92"), day: "2026-03-24",
                        reason: "jump", offered: try ExchangeRate("92"), offeredDay: "2026-03-25"),
                    HeldRate(
                        currency: jpy, rate: try ExchangeRate("150"), day: "2026-03-12",
                        reason: "missing"),
                ]),
            degradations: [
                ReportedDegradation(reason: "region_missing", region: other),
                ReportedDegradation(reason: "rate_jump", currencies: ["EUR"]),
                ReportedDegradation(reason: "rate_missing", currencies: ["JPY"]),
                ReportedDegradation(reason: "store_unreachable"),
            ],
            accounts: Accounts(
                late: [AccountFigure(region: region, currency: jpy, amount: 4, count: 9)],
                missed: [],
                ahead: [AccountFigure(region: region, currency: jpy, amount: nil, count: 1)],
                corrections: [AccountFigure(region: other, currency: eur, amount: -4, count: 7)]),
            bases: [
                BaseReport(
                    currency: usd, total: 300, currencies: [100, nil], other: 1,
                    regions: [-200, 500],
                    series: Array(repeating: nil, count: 1_438) + [-5, 123])
            ],
            defaultBase: usd)
    }

    func body(_ target: String) async throws -> RawResponse {
        let rendered = RenderedReport(report: try Self.report())
        return try await PublicScope.withServer(publishing: rendered) { server in
            try await server.answer(PublicScope.get(target))
        }
    }

    @Test("The breakdown has exact figures, and shares with six decimals, half to even")
    func breakdown() async throws {
        let response = try await body(PublicScope.path + "/breakdown")
        #expect(response["content-type"] == "application/json")
        #expect(
            response.text == """
                {"time_window":"24h","base_currency":"USD","total_amount":3.00,\
                "data_as_of":"2026-03-25T13:28:00Z","is_degraded":true,"version":"9f.7",\
                "currencies":[{"currency":"EUR","exponent":2,"minor_units":9007199254740993,\
                "converted":1.00,"transfers":12,"share":0.333333,\
                "rate_date":"2026-03-25"},\
                {"currency":"JPY","exponent":0,"minor_units":5,"converted":null,"transfers":6,\
                "share":null,"rate_date":"2026-03-12"}],\
                "other":{"currencies":2,"converted":0.01,"transfers":3,"share":0.003333},\
                "regions":[{"id":"eu-west","converted":-2.00,\
                "share":-0.666667,"observed_through":"2026-03-25T13:28:00Z","state":"live"},\
                {"id":"us-east","converted":5.00,"share":1.666667,"observed_through":null,\
                "state":"missing"}],"rates":{"id":"ab\\"c","source":"ECB","date":"2026-03-25",\
                "age_seconds":48480,"is_stale":false,"rounding":"half_even",\
                "held":[{"currency":"EUR","reason":"jump","rate":"0.92","date":"2026-03-24",\
                "offered_rate":"92","offered_date":"2026-03-25","share":0.333333},\
                {"currency":"JPY","reason":"missing","rate":"150","date":"2026-03-12",\
                "offered_rate":null,"offered_date":null,"share":null}]},\
                "degraded":[{"reason":"region_missing","region":"us-east","currencies":[],\
                "share":1.666667},{"reason":"rate_jump","region":null,"currencies":["EUR"],\
                "share":0.333333},{"reason":"rate_missing","region":null,"currencies":["JPY"],\
                "share":null},{"reason":"store_unreachable","region":null,"currencies":[],\
                "share":1.000000}],"corrections":[{"region":"us-east","currency":"EUR",\
                "exponent":2,"minor_units":-4,"buckets":7}],"late":[{"region":"eu-west",\
                "currency":"JPY","exponent":0,"minor_units":4,"transfers":9}],\
                "missed":[],"ahead":[{"region":"eu-west","currency":"JPY","exponent":0,\
                "minor_units":null,"transfers":1}]}
                """)
    }

    @Test("Without a total there are no shares; without rates or others there is null")
    func emptyBreakdown() async throws {
        let rendered = PublicScope.rendered()
        let text = try await PublicScope.withServer(publishing: rendered) { server in
            try await server.answer(
                PublicScope.get(PublicScope.path + "/breakdown?base_currency=EUR")
            ).text
        }
        #expect(
            text == """
                {"time_window":"24h","base_currency":"EUR","total_amount":0.00,\
                "data_as_of":"2026-03-25T13:28:00Z","is_degraded":false,"version":"s.1",\
                "currencies":[],"other":null,"regions":[],"rates":null,"degraded":[],\
                "corrections":[],"late":[],"missed":[],"ahead":[]}
                """)
    }

    @Test("The series has 1,440 minutes up to the current one, null if unknown")
    func series() async throws {
        let response = try await body(PublicScope.path + "/series")
        let start = PublicScope.time.milliseconds / 60_000 - 1_439
        let nulls = String(repeating: "null,", count: 1_438)
        let known = "\(nulls)-0.05,1.23"
        #expect(
            response.text
                == #"{"base_currency":"USD","start_minute":\#(start),"totals":[\#(known)]}"#)
    }

    @Test("A large body is compressed for clients that accept it, with a different tag")
    func compression() async throws {
        try await PublicScope.withServer { server in
            let target = PublicScope.path + "/series"
            let plain = try await server.answer(PublicScope.get(target))
            #expect(plain["content-encoding"] == nil)
            #expect(plain["vary"] == "Accept-Encoding")
            for (accept, isGzip) in [
                ("gzip", true), ("deflate, GZIP;q=0.5", true), ("*", true), ("br", false),
                ("gzip;q=0", false), ("gzip; q=0.000", false), ("xgzip", false), ("", false),
                ("x-gzip", true), ("gzip ; Q=0.001", true), ("gzip;q=1.000", true),
                ("*;q=0", false), ("gzip;q=0, *", false), ("*, gzip;q=0", false),
                ("br, *;q=0.1", true), ("gzip, *;q=0", true), ("identity, gzip;q=0.5", false),
                ("identity;q=0.5, gzip;q=0.5", true), ("identity;q=0, *;q=0.1", true),
                ("gzip;q=1.1", false), ("gzip;q=", false), ("gzip;q=0.0001", false),
                ("gzip;level=9", false), ("gzip;q=-1", false), ("gzip;q=0, gzip", false),
            ] {
                let response = try await server.answer(
                    PublicScope.get(target, headers: ["Accept-Encoding": accept]))
                #expect((response["content-encoding"] == "gzip") == isGzip, "\(accept)")
                #expect(response.body.starts(with: [0x1F, 0x8B]) == isGzip)
                #expect((response["etag"] == plain["etag"]) == !isGzip)
                #expect(response["vary"] == "Accept-Encoding")
                #expect((response.body.count < plain.body.count / 2) == isGzip)
                let tag = try #require(response["etag"])
                // A client that refuses gzip gets no 304 for the gzip form.
                for accept in isGzip ? ["gzip", "*"] : ["gzip", "identity", "br"] {
                    let unchanged = try await server.answer(
                        PublicScope.get(
                            target, headers: ["Accept-Encoding": accept, "If-None-Match": tag]),
                        hasBody: false)
                    #expect(unchanged.status == 304)
                    #expect(unchanged["etag"] == tag)
                }
            }
        }
    }

    @Test("The description is served unchanged, and describes every path")
    func description() async throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/PublicAPI/openapi.json")
        let kept = try Data(contentsOf: file)
        let served = try await body("/openapi.json")
        #expect(served.body == Array(kept))
        let document = try #require(
            JSONSerialization.jsonObject(with: kept) as? [String: Any])
        #expect(document["openapi"] as? String == "3.1.0")
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        #expect(paths.count == 14)
        let names = paths.keys.sorted()
        try await PublicScope.withServer { server in
            for path in names {
                let target = path.replacing("{id}", with: PublicScope.rateSet().id)
                let response = try await server.answer(
                    PublicScope.get(target, method: "HEAD"), hasBody: false)
                #expect(response.status == (path == "/oembed" ? 400 : 200), "\(path)")
            }
        }
        #expect(paths.values.allSatisfy { Set($0.keys) == ["get", "head"] })
    }

    @Test("Pages and pictures have types, framing rules and security policies")
    func pages() async throws {
        try await PublicScope.withServer { server in
            for (target, type, policy) in [
                ("/", "text/html; charset=utf-8", Dashboard.contentSecurityPolicy),
                ("/?view=tv", "text/html; charset=utf-8", Dashboard.contentSecurityPolicy),
                (
                    "/?view=tv&utm_source=a&utm_source=b&gclid=100%", "text/html; charset=utf-8",
                    Dashboard.contentSecurityPolicy
                ),
                (
                    "/methodology?%FF=1&fbclid", "text/html; charset=utf-8",
                    Dashboard.contentSecurityPolicy
                ),
                (
                    "/embed?utm_source=x&view=tv", "text/html; charset=utf-8",
                    Dashboard.embedContentSecurityPolicy
                ),
                (
                    "/?base_currency=JPY", "text/html; charset=utf-8",
                    Dashboard.contentSecurityPolicy
                ),
                ("/methodology", "text/html; charset=utf-8", Dashboard.contentSecurityPolicy),
                ("/embed", "text/html; charset=utf-8", Dashboard.embedContentSecurityPolicy),
                (
                    "/badge.svg", "image/svg+xml; charset=utf-8",
                    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
                ),
            ] {
                let response = try await server.answer(PublicScope.get(target))
                #expect(response.status == 200, "\(target)")
                #expect(response["content-type"] == type)
                #expect(response["content-security-policy"] == policy)
                #expect(response["x-content-type-options"] == "nosniff")
                #expect(response["referrer-policy"] == "no-referrer")
                #expect(response["etag"] != nil)
            }
            for asset in Dashboard.assets {
                let response = try await server.answer(PublicScope.get(asset.path))
                #expect(response.body == asset.bytes)
                #expect(response["content-type"] == asset.contentType)
            }
            let oEmbed = try await server.answer(
                PublicScope.get(
                    "/oembed?url=https%3A%2F%2Fapi%2Fembed%3Fbase_currency%3DJPY&format=json"))
            #expect(oEmbed.status == 200)
            #expect(
                oEmbed.text
                    == Dashboard.oEmbed(origin: "https://api", base: Self.jpy))
        }
        try await PublicScope.withServer {
            $0.publicOrigin = "https://pay.example"
        } _: { server in
            for (url, status) in [
                ("https://pay.example", 200), ("https://pay.example/?view=tv", 200),
                ("https://pay.example/?utm_source=x", 200),
                ("http://pay.example/", 404), ("https://api/", 404),
            ] {
                let target = "/oembed?url=" + url
                let response = try await server.answer(PublicScope.get(target))
                #expect(response.status == status, "\(url)")
            }
        }
    }

    @Test("Before the first report, people get a waiting page with 503")
    func waiting() async throws {
        try await PublicScope.withServer(publishing: nil) { server in
            for target in ["/", "/embed", "/?base_currency=JPY"] {
                let response = try await server.answer(PublicScope.get(target))
                #expect(response.status == 503)
                #expect(response["content-type"] == "text/html; charset=utf-8")
                #expect(response["retry-after"] == "2")
                #expect(response["cache-control"] == "no-store")
                #expect(response["access-control-expose-headers"] == "Retry-After")
                #expect(response.text == Dashboard.waiting())
            }
            for target in ["/badge.svg", PublicScope.streamPath, PublicScope.path + "/series"] {
                let response = try await server.answer(PublicScope.get(target))
                #expect(response.status == 503)
                #expect(response["content-type"] == "application/problem+json")
                #expect(response["retry-after"] == "2")
            }
        }
    }
}
