import Foundation
import HTTPTestSupport
import PublicAPI
import Testing

/// Negotiation fields of requests, and the fields of every answer.
@Suite struct NegotiationTests {
    static let series = PublicScope.path + "/series"

    private static func request(_ target: String, _ lines: [String]) -> String {
        (["GET \(target) HTTP/1.1", "Host: api"] + lines + ["", ""]).joined(separator: "\r\n")
    }

    @Test("A list may be split over several lines")
    func severalLines() async throws {
        try await PublicScope.withServer { server in
            let plain = try await server.answer(Self.request(Self.series, []))
            let tag = try #require(plain["etag"])
            for (lines, status) in [
                (["If-None-Match: \"a\"", "If-None-Match: \(tag)"], 304),
                (["If-None-Match: \(tag)", "If-None-Match: \"a\""], 304),
                (
                    ["If-None-Match: \"a\"", "X: y", "If-None-Match:", "If-None-Match: W/\(tag)"],
                    304
                ),
                (["If-None-Match: \"a\"", "If-None-Match: \"b\""], 200),
                (["If-None-Match: *"], 304),
                // `*` is not allowed in a list.
                (["If-None-Match: *", "If-None-Match: \"a\""], 200),
            ] {
                let answer = try await server.answer(
                    Self.request(Self.series, lines), hasBody: status == 200)
                #expect(answer.status == status, "\(lines)")
            }
            for (lines, isGzip) in [
                (["Accept-Encoding: br", "Accept-Encoding: gzip"], true),
                (["Accept-Encoding: *", "Accept-Encoding: gzip;q=0"], false),
            ] {
                let answer = try await server.answer(Self.request(Self.series, lines))
                #expect((answer["content-encoding"] == "gzip") == isGzip, "\(lines)")
            }
        }
    }

    @Test("304 names a form that the client accepts, the preferred one if it holds both")
    func refusedForms() async throws {
        try await PublicScope.withServer { server in
            let plain = try await server.answer(Self.request(Self.series, []))
            let gzip = try await server.answer(
                Self.request(Self.series, ["Accept-Encoding: gzip"]))
            let identityTag = try #require(plain["etag"])
            let gzipTag = try #require(gzip["etag"])
            #expect(identityTag != gzipTag)
            let both = "\(identityTag), \(gzipTag)"
            for (accept, held, expected) in [
                ("gzip;q=0", gzipTag, nil), ("identity", gzipTag, nil), ("", gzipTag, nil),
                ("gzip;q=0", both, identityTag), ("gzip", both, gzipTag), ("br", both, identityTag),
                ("gzip", identityTag, identityTag), ("gzip, identity;q=0", identityTag, nil),
                ("gzip, *;q=0", identityTag, nil), ("gzip, *;q=0", both, gzipTag),
                ("gzip", "*", gzipTag), ("gzip;q=0", "*", identityTag),
                // No acceptable form: the plain one is sent.
                ("br, *;q=0", identityTag, identityTag),
            ] as [(String, String, String?)] {
                let answer = try await server.answer(
                    Self.request(
                        Self.series, ["Accept-Encoding: \(accept)", "If-None-Match: \(held)"]),
                    hasBody: expected == nil)
                #expect(answer.status == (expected == nil ? 200 : 304), "\(accept) \(held)")
                if let expected { #expect(answer["etag"] == expected, "\(accept) \(held)") }
            }
            // Without Accept-Encoding, any form is acceptable.
            let unsaid = try await server.answer(
                Self.request(Self.series, ["If-None-Match: \(gzipTag)"]), hasBody: false)
            #expect(unsaid.status == 304)
        }
    }

    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
    ])
    func `dates have the HTTP format`(_ seconds: Int, _ text: String) {
        #expect(HTTPDate.text(seconds: seconds) == text)
    }

    @Test("Every answer has one Date, the current time")
    func date() async throws {
        try await PublicScope.withServer { server in
            let full = try await server.answer(Self.request(PublicScope.path, []))
            let tag = try #require(full["etag"])
            for (request, hasBody) in [
                (Self.request(PublicScope.path, []), true), (Self.request("/none", []), true),
                (Self.request(PublicScope.path, ["If-None-Match: \(tag)"]), false),
                (Self.request(PublicScope.path, ["Connection: close"]), true),
                (Self.request("/?view=x", []), true), ("nonsense\r\n\r\n", true),
                (PublicScope.get("/", method: "HEAD"), false),
                (PublicScope.get(PublicScope.streamPath, method: "HEAD"), false),
                (PublicScope.get("/", method: "PUT"), true),
                ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true),
            ] {
                let before = Int(time(nil))
                let answer = try await server.answer(request, hasBody: hasBody)
                let date = try #require(answer["date"], "\(request)")
                let present = (before...max(before, Int(time(nil)))).map {
                    HTTPDate.text(seconds: $0)
                }
                #expect(present.contains(date), "\(request)")
            }
            let stream = try server.connect()
            await stream.send(PublicScope.get(PublicScope.streamPath))
            #expect(try await stream.read(through: "\r\n\r\n").contains("\r\nDate: "))
            // The date of one path changes with the clock.
            let deadline = ContinuousClock.now + .seconds(10)
            var later = full["date"]
            while later == full["date"], ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(50))
                later = try await server.answer(Self.request(PublicScope.path, []))["date"]
            }
            #expect(later != nil && later != full["date"])
        }
    }

    @Test("The host of an absolute target takes precedence over the field Host")
    func wholeAddress() async throws {
        try await PublicScope.withServer { server in
            for (target, host, status) in [
                ("http://site.example/oembed?url=http://site.example/", "other.example", 200),
                ("http://site.example/oembed?url=http://other.example/", "other.example", 404),
                ("HTTPS://site.example:8/oembed?url=https://site.example:8/embed", "a", 200),
                ("/oembed?url=http://site.example/", "site.example", 200),
                ("http://site.example", "a", 200), ("http://site.example?view=tv", "a", 200),
                ("http://site.example?view=x", "a", 400), ("http://site.example/livez", "", 200),
            ] {
                let answer = try await server.answer(
                    "GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
                #expect(answer.status == status, "\(target)")
            }
        }
    }
}
