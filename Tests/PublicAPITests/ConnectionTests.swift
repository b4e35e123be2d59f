import HTTPTestSupport
import PublicAPI
import Testing

/// HTTP/1.1 requests that arrive whole, in pieces, pipelined, malformed or never.
@Suite struct ConnectionTests {
    static let request = PublicScope.get(PublicScope.path)

    @Test("Pipelined requests are answered in order, however they are split")
    func pipelining() async throws {
        try await PublicScope.withServer { server in
            let connection = try server.connect()
            let targets = ["USD", "JPY", "EUR", "KWD"]
            let text = (0..<200).map { place in
                PublicScope.get(PublicScope.path + "?base_currency=\(targets[place % 4])")
            }.joined()
            await connection.send(text)
            for place in 0..<200 {
                let response = try await connection.response()
                #expect(response.status == 200)
                #expect(response.text.contains(#""base_currency":"\#(targets[place % 4])""#))
            }
            for byte in Self.request.utf8 { await connection.send([byte]) }
            #expect(try await connection.response().status == 200)
            await connection.send("\r\n" + Self.request)
            #expect(try await connection.response().status == 200)
        }
    }

    @Test("Answers wait for a peer that does not read, and none is lost")
    func backpressure() async throws {
        try await PublicScope.withServer { server in
            let connection = try RawConnection(port: server.port, receiveBytes: 4_096)
            // Far more than the kernel's buffers on both sides.
            let count = 600
            let series = PublicScope.get(PublicScope.path + "/series")
            await connection.send(String(repeating: series, count: count))
            #expect(try await server.answer(Self.request).status == 200)
            let first = try await connection.response()
            #expect(first.status == 200 && first.body.count > 5_000)
            for _ in 1..<count {
                #expect(try await connection.response().body == first.body)
            }
        }
    }

    @Test("A connection stays open or closes as the client and its version request")
    func persistence() async throws {
        try await PublicScope.withServer { server in
            for (request, connectionField) in [
                (PublicScope.get(PublicScope.path, headers: ["Connection": "close"]), "close"),
                (
                    PublicScope.get(PublicScope.path, headers: ["Connection": "x, Close"]),
                    "close"
                ),
                ("GET \(PublicScope.path) HTTP/1.0\r\n\r\n", "close"),
                (PublicScope.get("/nope", headers: ["Connection": "close"]), "close"),
            ] {
                let connection = try server.connect()
                await connection.send(request + Self.request)
                #expect(try await connection.response()["connection"] == connectionField)
                #expect(await connection.isClosedByServer())
            }
            let kept = try server.connect()
            for _ in 0..<2 {
                await kept.send(
                    "GET \(PublicScope.path) HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                #expect(try await kept.response()["connection"] == "keep-alive")
            }
            await kept.send(Self.request)
            #expect(try await kept.response()["connection"] == nil)
            let half = try server.connect()
            await half.send(Self.request)
            await half.endSending()
            #expect(try await half.response().status == 200)
        }
    }

    @Test("A body with a length is skipped, and one without is never awaited")
    func bodies() async throws {
        try await PublicScope.withServer { server in
            let connection = try server.connect()
            await connection.send(
                PublicScope.get(
                    PublicScope.path, method: "POST", headers: ["Content-Length": "5"])
                    + "GET /" + Self.request)
            #expect(try await connection.response().status == 405)
            #expect(try await connection.response().status == 200)
            for headers in [
                ["Transfer-Encoding": "chunked"], ["Content-Length": "65537"],
                ["Expect": "100-continue", "Content-Length": "5"],
            ] {
                let open = try server.connect()
                await open.send(
                    PublicScope.get(PublicScope.path, method: "POST", headers: headers)
                        + "5\r\nhello\r\n")
                let response = try await open.response()
                #expect(response.status == 405)
                #expect(response["connection"] == "close")
                #expect(await open.isClosedByServer())
            }
        }
    }

    static let malformed = [
        "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\n",
        "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://a HTTP/1.1\r\n\r\n",
        "\u{16}\u{3}\u{1}", "GET  / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "GET / HTTP/1.1\nHost: a\n\n",
        "GET / http/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.\r\nHost: a\r\n\r\n",
        "GET / HTTP/11\r\nHost: a\r\n\r\n", "GET /\r\nHost: a\r\n\r\n",
        "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\u{7F} HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /# HTTP/1.1\r\nHost: a\r\n\r\n", "GET nothing HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http:// HTTP/1.1\r\nHost: a\r\n\r\n", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n: v\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    ]

    @Test("An invalid request gets 400, and the connection closes")
    func malformed() async throws {
        try await PublicScope.withServer { server in
            for request in Self.malformed {
                let connection = try server.connect()
                await connection.send(request)
                let response = try await connection.response()
                #expect(response.status == 400, "\(request.debugDescription)")
                #expect(response.text.contains("malformed-request"))
                #expect(response["connection"] == "close")
                #expect(await connection.isClosedByServer())
            }
        }
    }

    @Test("Targets, fields and versions out of bounds get different statuses")
    func bounds() async throws {
        try await PublicScope.withServer { server in
            let long = String(repeating: "a", count: 8 << 10)
            let fields = (0..<64).map { "X-\($0): 1\r\n" }.joined()
            for (request, status) in [
                ("GET /\(long) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
                ("GET /\(String(repeating: long, count: 8))", 414),
                ("GET / HTTP/1.1\r\nHost: a\r\nX: \(long)\r\n\r\n", 431),
                ("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n", 431),
                ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: long, count: 8))", 431),
                ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
                ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505),
            ] {
                let connection = try server.connect()
                await connection.send(request)
                let response = try await connection.response()
                #expect(response.status == status)
                #expect(response["connection"] == "close")
            }
            let most = (0..<63).map { "X-\($0): 1\r\n" }.joined()
            let within = "GET /livez HTTP/1.1\r\nHost: a\r\n\(most)\r\n"
            #expect(try await server.answer(within).status == 200)
            #expect(
                try await server.answer("GET http://a/livez HTTP/1.1\r\nHost: a\r\n\r\n").status
                    == 200)
            #expect(
                try await server.answer("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").status == 404)
        }
    }

    @Test("A slow head gets 408; an idle connection is closed")
    func slowness() async throws {
        try await PublicScope.withServer {
            $0.requestTimeout = .milliseconds(300)
            $0.idleTimeout = .milliseconds(900)
            $0.sweepInterval = .milliseconds(50)
        } _: { server in
            let slow = try server.connect()
            await slow.send("GET / HTTP/1.1\r\nX: ")
            let response = try await slow.response()
            #expect(response.status == 408)
            #expect(await slow.isClosedByServer())
            for beginning in ["\r\n", "\r"] {
                let empty = try server.connect()
                await empty.send(beginning)
                #expect(try await empty.response().status == 408)
                #expect(await empty.isClosedByServer())
            }
            let idle = try server.connect()
            await idle.send(Self.request)
            #expect(try await idle.response().status == 200)
            #expect(await idle.isClosedByServer())
            let body = try server.connect()
            await body.send(
                PublicScope.get(
                    PublicScope.path, method: "POST", headers: ["Content-Length": "9"]))
            #expect(try await body.response().status == 405)
            #expect(await body.isClosedByServer())
        }
    }

    @Test("When all connections are in use, the next one gets an answer, and a free place is used")
    func full() async throws {
        try await PublicScope.withServer {
            $0.connectionsMax = 2
        } _: { server in
            var taken: [RawConnection] = []
            for _ in 0..<2 {
                let connection = try server.connect()
                await connection.send(Self.request)
                #expect(try await connection.response().status == 200)
                taken.append(connection)
            }
            let refused = try server.connect()
            let response = try await refused.response()
            #expect(response.status == 503)
            #expect(response["retry-after"] == "2")
            #expect(await refused.isClosedByServer())
            taken.removeAll()
            let deadline = ContinuousClock.now + .seconds(10)
            var status = 503
            while status != 200, ContinuousClock.now < deadline {
                status = (try? await server.answer(Self.request).status) ?? 503
            }
            #expect(status == 200)
        }
    }

    @Test("Random bytes never stop the server, and every complete request is answered")
    func hostileBytes() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        try await PublicScope.withServer { server in
            var state = seed
            func next(_ bound: Int) -> Int {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int(state >> 33) % bound
            }
            let seeds = [
                Self.request,
                PublicScope.get(
                    PublicScope.path + "?base_currency=USD", method: "HEAD",
                    headers: ["If-None-Match": "\"00\", W/\"1\"", "Accept-Encoding": "gzip;q=0"]),
                PublicScope.get("/oembed?url=http://api/%3F", headers: ["Content-Length": "3"]),
            ].map { Array($0.utf8) }
            for _ in 0..<300 {
                var bytes = seeds[next(seeds.count)]
                for _ in 0..<(1 + next(4)) {
                    let place = next(bytes.count)
                    switch next(3) {
                    case 0: bytes[place] = UInt8(next(256))
                    case 1: bytes.remove(at: place)
                    default: bytes.insert(UInt8(next(256)), at: place)
                    }
                }
                let connection = try server.connect()
                await connection.send(bytes)
                await connection.endSending()
                // An answer or the end of the connection, never silence.
                _ = try? await connection.response(hasBody: false)
            }
            #expect(try await server.answer(Self.request).status == 200, "seed \(seed)")
        }
    }
}
