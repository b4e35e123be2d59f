import Addresses
import CivilTime
import DeltaClient
import DeltaCodec
import DeltaIngest
import DeltaProtocol
import HTTPListener
import HTTPTestSupport
import Identifiers
import Logging
import Money
import Testing

@Suite struct DeltaIngestTests {
    static let eu = RegionID("eu-west")!
    static let log = LogID("main")!
    static let deltas = "/internal/v1/rollup/deltas"
    static let shards = "/internal/v1/rollup/shards"
    static let protobuf = "application/x-protobuf"

    static func request(
        version: UInt32 = Limits.protocolVersion, region: String = "eu-west",
        partitions: Range<Int32> = 0..<2, buckets: Int = 2
    ) -> DeltaRequest {
        DeltaRequest(
            version: version, foldVersion: FoldVersion(rules: 1, settings: 1, digest: 7),
            region: RegionID(region)!, node: "n1", sentAt: UnixTime(seconds: 1_774_445_280),
            partitionCounts: [log: 2],
            shards: partitions.map { partition in
                ShardDelta(
                    log: log, partition: partition, base: 0, coverage: 10,
                    claims: Claims(from: Minute(1)),
                    buckets: (0..<buckets).map {
                        Bucket(
                            minute: Minute(29_574_000 + Int32($0)),
                            currency: Currency(code: partition == 0 ? "EUR" : "USD")!,
                            value: BucketValue(settled: 100 + Int64($0), transfers: 1))
                    })
            })
    }

    static func post(
        _ body: [UInt8], type: String? = protobuf, path: String = deltas, method: String = "POST",
        headers: [String] = []
    ) -> [UInt8] {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: hq\r\nContent-Length: \(body.count)\r\n"
        if let type { head += "Content-Type: \(type)\r\n" }
        for header in headers { head += header + "\r\n" }
        return Array((head + "\r\n").utf8) + body
    }

    static func get(_ target: String, method: String = "GET", accept: String? = nil) -> String {
        "\(method) \(target) HTTP/1.1\r\nHost: hq\r\n"
            + (accept.map { "Accept: \($0)\r\n" } ?? "") + "\r\n"
    }

    func withIngest(
        _ body:
            @Sendable @escaping (_ handler: RecordingHandler, _ port: Int) async throws -> Void
    ) async throws {
        let handler = RecordingHandler()
        let ingest = DeltaIngest(
            regions: [Self.eu], handler: handler, logger: Logger(label: "test"))
        try await withListener {
            try ingest.listener(on: anyLoopbackPort, onListening: $0)
        } _: {
            try await body(handler, $0)
        }
    }

    /// Sends the bytes on a new connection and expects a problem of this kind.
    func expectProblem(
        _ bytes: [UInt8], _ status: Int, _ kind: String, port: Int,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let connection = try RawConnection(port: port)
        await connection.send(bytes)
        let response = try await connection.response()
        #expect(response.status == status, sourceLocation: sourceLocation)
        #expect(
            response["content-type"] == "application/problem+json",
            sourceLocation: sourceLocation)
        #expect(
            response.text.hasPrefix("{\"type\":\"/problems/\(kind)\",\"title\":\""),
            "\(response.text)", sourceLocation: sourceLocation)
        #expect(
            response.text.contains("\"status\":\(status),\"detail\":\""), "\(response.text)",
            sourceLocation: sourceLocation)
    }

    @Test("A request is committed and answered in its own form, or in Accept's")
    func commits() async throws {
        try await withIngest { handler, port in
            let connection = try RawConnection(port: port)
            for (type, accept, answered) in [
                (DeltaCodec.Format.protobuf, nil, DeltaCodec.Format.protobuf),
                (.json, nil, .json),
                (.json, "application/x-protobuf", .protobuf),
                (.protobuf, "text/html, application/json", .json),
            ] as [(DeltaCodec.Format, String?, DeltaCodec.Format)] {
                let body = DeltaCodec.encode(Self.request(), as: type)
                await connection.send(
                    Self.post(
                        body, type: type.mediaType + "; charset=utf-8",
                        headers: accept.map { ["Accept: \($0)"] } ?? []))
                let response = try await connection.response()
                #expect(response.status == 200)
                #expect(response["content-type"] == answered.mediaType)
                let reply = try DeltaCodec.decodeReply(response.body, as: answered)
                #expect(reply.shards.map(\.outcome) == [.committed, .committed])
                #expect(reply.shards.map(\.watermark) == [10, 10])
            }
            #expect(handler.committed == Array(repeating: Self.request(), count: 4))
        }
    }

    @Test("The regions' client gets its answers")
    func deltaClient() async throws {
        try await withIngest { handler, port in
            let status = ShardStatus(
                log: Self.log, partition: 1, watermark: 10, claims: Claims(from: Minute(1)),
                foldVersion: FoldVersion(rules: 1, settings: 1, digest: 7), fingerprint: nil,
                values: .init(buckets: Self.request().shards[1].buckets, late: []))
            handler.setStatuses([status])
            let client = try DeltaClient(
                DeltaClientConfiguration(url: "http://127.0.0.1:\(port)"))
            guard case .answered(let reply) = await client.push(Self.request()) else {
                Issue.record("a push was not answered")
                return
            }
            #expect(reply.shards.map(\.outcome) == [.committed, .committed])
            #expect(
                await client.statuses(region: Self.eu, partition: 1)
                    == .answered(
                        ShardStatuses(
                            shards: [status], serverTime: UnixTime(seconds: 1_774_445_280))))
            #expect(handler.asked.map(\.partition) == [1])
            let unknown = await client.push(Self.request(region: "mars"))
            #expect(unknown == .refused(status: 404, title: "Unknown region"))
            handler.setAvailable(false)
            let unavailable = await client.push(Self.request())
            #expect(unavailable == .retry(.status(503), after: .seconds(3)))
            await client.stop()
        }
    }

    @Test("An error in the envelope is a 4xx problem, and nothing is written")
    func envelope() async throws {
        try await withIngest { handler, port in
            let good = DeltaCodec.encode(Self.request())
            let json = DeltaCodec.encode(Self.request(), as: .json)
            try await expectProblem(Self.post([0xFF, 0xFF]), 400, "undecodable", port: port)
            try await expectProblem(
                Self.post(Array(good.dropLast(3))), 400, "undecodable", port: port)
            try await expectProblem(Self.post([]), 400, "unsupported-version", port: port)
            try await expectProblem(
                Self.post(Array("{\"version\":".utf8), type: "application/json"), 400,
                "undecodable", port: port)
            try await expectProblem(
                Self.post(json), 400, "undecodable", port: port)
            try await expectProblem(
                Self.post(DeltaCodec.encode(Self.request(version: 99))), 400,
                "unsupported-version", port: port)
            try await expectProblem(
                Self.post(DeltaCodec.encode(Self.request(region: "mars"))), 404,
                "unknown-region", port: port)
            let named = String(decoding: json, as: UTF8.self)
                .replacing("\"eu-west\"", with: "\"EU WEST\"")
            try await expectProblem(
                Self.post(Array(named.utf8), type: "application/json"), 400, "invalid-envelope",
                port: port)
            for type in [nil, "text/plain", "application/json2"] {
                try await expectProblem(
                    Self.post(good, type: type), 415, "unsupported-media-type", port: port)
            }
            for coding in ["gzip", "identity"] {
                try await expectProblem(
                    Self.post(good, headers: ["Content-Encoding: \(coding)"]), 415,
                    "unsupported-media-type", port: port)
            }
            try await expectProblem(
                Self.post(good, path: Self.deltas + "?region=eu-west"), 400, "invalid-query",
                port: port)
            try await expectProblem(
                Self.post(good, path: Self.deltas + "/"), 404, "not-found", port: port)
            try await expectProblem(
                Self.post(good, method: "PUT"), 405, "method-not-allowed", port: port)
            #expect(handler.committed.isEmpty)
        }
    }

    @Test("A body over 4 MiB is 413 whatever it declared, and the connection stays open")
    func oversize() async throws {
        try await withIngest { handler, port in
            let good = Self.post(DeltaCodec.encode(Self.request()))
            let tooMuch = [UInt8](repeating: 0, count: Limits.requestBytes + 1)
            let connection = try RawConnection(port: port)
            await connection.send(Self.post(tooMuch))
            Self.expectTooLarge(try await connection.response())
            #expect(handler.committed.isEmpty)
            await connection.send(good)
            #expect(try await connection.response().status == 200)
            #expect(handler.committed == [Self.request()])

            // In chunks, without a length.
            await connection.send(
                "POST \(Self.deltas) HTTP/1.1\r\nHost: hq\r\nContent-Type: \(Self.protobuf)\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n")
            let chunk = Array("10000\r\n".utf8) + [UInt8](repeating: 0, count: 65_536) + [13, 10]
            for _ in 0..<65 { await connection.send(chunk) }
            await connection.send("0\r\n\r\n")
            Self.expectTooLarge(try await connection.response())
            #expect(handler.committed == [Self.request()])
            await connection.send(good)
            #expect(try await connection.response().status == 200)

            // A body that never ends is cut.
            await connection.send(
                "POST \(Self.deltas) HTTP/1.1\r\nHost: hq\r\nContent-Type: \(Self.protobuf)\r\n"
                    + "Content-Length: 1000000000\r\n\r\n")
            for _ in 0..<400 { await connection.send(chunk) }
            #expect(await connection.isClosedByServer())
            #expect(handler.committed == [Self.request(), Self.request()])
            #expect(handler.asked.isEmpty)
        }
    }

    private static func expectTooLarge(
        _ response: RawResponse, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(response.status == 413, sourceLocation: sourceLocation)
        #expect(
            response["content-type"] == "application/problem+json",
            sourceLocation: sourceLocation)
        #expect(
            response.text.hasPrefix("{\"type\":\"/problems/"), "\(response.text)",
            sourceLocation: sourceLocation)
    }

    @Test("A malformed shard is refused with its watermark; the others are committed")
    func malformedShard() async throws {
        try await withIngest { handler, port in
            handler.setStatuses([
                ShardStatus(
                    log: Self.log, partition: 0, watermark: 4, claims: Claims(from: Minute(2)),
                    foldVersion: FoldVersion(rules: 1, settings: 1, digest: 7), fingerprint: nil)
            ])
            let json = String(decoding: DeltaCodec.encode(Self.request(), as: .json), as: UTF8.self)
            let connection = try RawConnection(port: port)
            await connection.send(
                Self.post(
                    Array(json.replacing("\"EUR\"", with: "\"XQX\"").utf8),
                    type: "application/json"))
            let response = try await connection.response()
            #expect(response.status == 200)
            let reply = try DeltaCodec.decodeReply(response.body, as: .json)
            #expect(
                reply.shards == [
                    ShardReply(
                        log: Self.log, partition: 1, outcome: .committed, watermark: 10,
                        claims: Claims(from: Minute(1))),
                    ShardReply(
                        log: Self.log, partition: 0, outcome: .refused(.malformed), watermark: 4,
                        claims: Claims(from: Minute(2))),
                ])
            #expect(handler.committed.map { $0.shards.map(\.partition) } == [[1]])
        }
    }

    @Test("Shards are returned as JSON, or in Accept's form; the query is strict")
    func shards() async throws {
        try await withIngest { handler, port in
            let status = ShardStatus(
                log: Self.log, partition: 1, watermark: 10, claims: Claims(from: Minute(1)),
                foldVersion: FoldVersion(rules: 1, settings: 1, digest: 7), fingerprint: nil)
            handler.setStatuses([status])
            let connection = try RawConnection(port: port)
            for (accept, format) in [
                (nil, DeltaCodec.Format.json), ("*/*", .json),
                ("application/x-protobuf", .protobuf),
            ] as [(String?, DeltaCodec.Format)] {
                await connection.send(
                    Self.get(Self.shards + "?region=eu-west", accept: accept))
                let response = try await connection.response()
                #expect(response.status == 200)
                #expect(response["content-type"] == format.mediaType)
                #expect(try DeltaCodec.decodeStatuses(response.body, as: format).shards == [status])
            }
            await connection.send(Self.get(Self.shards + "?partition=1023&region=eu-west"))
            #expect(try await connection.response().status == 200)
            #expect(handler.asked.map(\.partition) == [nil, nil, nil, 1_023])

            for query in [
                "", "?", "?region=", "?region=EU", "?region=eu-west&region=eu-west",
                "?region=eu-west&values=1", "?region=eu-west&partition=-1",
                "?region=eu-west&partition=1024", "?region=eu-west&partition=01",
                "?region=eu-west&partition=", "?region=eu-west&partition=1&partition=1",
                "?region=eu-west%", "?region=eu-west%FF",
            ] {
                try await expectProblem(
                    Array(Self.get(Self.shards + query).utf8), 400, "invalid-query", port: port)
            }
            try await expectProblem(
                Array(Self.get(Self.shards + "?region=mars").utf8), 404, "unknown-region",
                port: port)
            try await expectProblem(
                Self.post([], path: Self.shards), 405, "method-not-allowed", port: port)
            #expect(handler.asked.count == 4)
        }
    }

    @Test("Without the store: 503 with Retry-After, not ready, and alive")
    func unavailable() async throws {
        try await withIngest { handler, port in
            let connection = try RawConnection(port: port)
            await connection.send(Self.get("/readyz"))
            #expect(try await connection.response().status == 200)
            handler.setAvailable(false)
            for bytes in [
                Self.post(DeltaCodec.encode(Self.request())),
                Array(Self.get(Self.shards + "?region=eu-west").utf8),
                Array(Self.get("/readyz").utf8),
            ] {
                await connection.send(bytes)
                let response = try await connection.response()
                #expect(response.status == 503)
                #expect(response["retry-after"].flatMap { Int($0) } ?? 0 > 0)
                #expect(response["content-type"] == "application/problem+json")
            }
            await connection.send(Self.get("/livez"))
            #expect(try await connection.response().text == "ok\n")
        }
    }

    @Test("Requests beyond the concurrency limit get 503 with Retry-After")
    func places() async throws {
        try await withIngest { handler, port in
            let bytes = Self.post(DeltaCodec.encode(Self.request()))
            handler.hold()
            var waiting: [RawConnection] = []
            for _ in 0..<DeltaIngest.requestsMax {
                let connection = try RawConnection(port: port)
                await connection.send(bytes)
                waiting.append(connection)
            }
            let deadline = ContinuousClock.now + .seconds(10)
            while handler.held < DeltaIngest.requestsMax, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(handler.held == DeltaIngest.requestsMax)
            try await expectProblem(bytes, 503, "unavailable", port: port)
            handler.release()
            for connection in waiting {
                #expect(try await connection.response().status == 200)
            }
            // The places are free again.
            let connection = try RawConnection(port: port)
            await connection.send(bytes)
            #expect(try await connection.response().status == 200)
        }
    }

    @Test("Ingest refuses to listen on an address that other machines can reach")
    func loopbackOnly() {
        let ingest = DeltaIngest(
            regions: [Self.eu], handler: RecordingHandler(), logger: Logger(label: "test"))
        for host in ["0.0.0.0", "::", "192.168.0.1", "hq.example"] {
            #expect(throws: ListenerError.self) {
                try ingest.listener(on: HostPort(host: host, port: 0)) { _ in }
            }
        }
    }

    @Test("Oversized headers, and bytes that are not HTTP, end the connection with 400")
    func hostileHeads() async throws {
        try await withIngest { handler, port in
            let fields = (0..<65).map { "x-\($0): 1\r\n" }.joined()
            for head in [
                "GET /livez HTTP/1.1\r\nHost: hq\r\n\(fields)\r\n",
                "GET /livez HTTP/1.1\r\nHost: hq\r\nx: "
                    + String(repeating: "a", count: 9_000) + "\r\n\r\n",
                "\u{16}\u{3}\u{1} hello\r\n\r\n",
                "POST \(Self.deltas) HTTP/1.1\r\nHost: hq\r\nContent-Length: 5\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ] {
                let connection = try RawConnection(port: port)
                await connection.send(head)
                let response = try await connection.response()
                #expect(response.status == 400)
                #expect(await connection.isClosedByServer())
            }
            #expect(handler.committed.isEmpty)
        }
    }
}
