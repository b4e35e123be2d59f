import DeltaCodec
import DeltaIngest
import DeltaProtocol
import HTTPListener
import HTTPTestSupport
import Testing

/// Clients that occupy connections, memory or the store.
@Suite struct HostileClientTests {
    private typealias Base = DeltaIngestTests

    private func withIngest(
        pace: RequestPace = RequestPace(), log: LogCapture = LogCapture(),
        _ body:
            @Sendable @escaping (_ handler: RecordingHandler, _ port: Int) async throws -> Void
    ) async throws {
        let handler = RecordingHandler()
        let ingest = DeltaIngest(
            regions: [Base.eu], handler: handler, pace: pace, logger: log.logger)
        try await withListener {
            try ingest.listener(on: anyLoopbackPort, onListening: $0)
        } _: {
            try await body(handler, $0)
        }
    }

    private static func status(of bytes: [UInt8], port: Int) async throws -> Int {
        let connection = try RawConnection(port: port)
        await connection.send(bytes)
        return try await connection.response().status
    }

    private static func fast() -> RequestPace {
        var pace = RequestPace()
        pace.firstHead = .milliseconds(200)
        pace.nextHead = .milliseconds(300)
        pace.bodyInterval = .milliseconds(200)
        return pace
    }

    @Test func `incomplete bodies do not keep commits out`() async throws {
        try await withIngest { _, port in
            let bytes = Base.post(DeltaCodec.encode(Base.request()))
            var slow: [RawConnection] = []
            for _ in 0..<(2 * DeltaIngest.requestsMax) {
                let connection = try RawConnection(port: port)
                await connection.send(Array(bytes.dropLast(1)))
                slow.append(connection)
            }
            #expect(try await Self.status(of: bytes, port: port) == 200)
            // The server still accepts the missing byte.
            await slow[0].send(Array(bytes.suffix(1)))
            #expect(try await slow[0].response().status == 200)
        }
    }

    @Test(arguments: [0, 1, 10])
    func `a client slower than the pace is disconnected`(
        _ bytesSent: Int
    ) async throws {
        try await withIngest(pace: Self.fast()) { _, port in
            let body = Base.post(DeltaCodec.encode(Base.request()))
            for whole in [body, Array(Base.get("/livez").utf8)] {
                let connection = try RawConnection(port: port)
                await connection.send(Array(whole.prefix(bytesSent)))
                #expect(await connection.isClosedByServer())
            }
            let head = body.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound ?? 0
            let connection = try RawConnection(port: port)
            await connection.send(Array(body.prefix(head + bytesSent)))
            #expect(await connection.isClosedByServer())
        }
    }

    @Test func `the pace applies to each request of a connection`()
        async throws
    {
        try await withIngest(pace: Self.fast()) { _, port in
            let connection = try RawConnection(port: port)
            for _ in 0..<3 {
                await connection.send(Base.get("/livez"))
                #expect(try await connection.response().status == 200)
            }
            await connection.send("GET /li")
            #expect(await connection.isClosedByServer())
        }
    }

    @Test func `a slow answer does not disconnect its client`() async throws {
        try await withIngest(pace: Self.fast()) { handler, port in
            handler.hold()
            let connection = try RawConnection(port: port)
            await connection.send(Base.post(DeltaCodec.encode(Base.request())))
            // Each of these is disconnected after the pace's time, so the server's timers have
            // expired several times for the waiting client too.
            for _ in 0..<4 {
                let slow = try RawConnection(port: port)
                await slow.send("GET /li")
                #expect(await slow.isClosedByServer())
            }
            handler.release()
            #expect(try await connection.response().status == 200)
        }
    }

    @Test func `equal readings are shared, and few different ones run at once`() async throws {
        try await withIngest { handler, port in
            handler.holdReadings()
            var readers: [RawConnection] = []
            for _ in 0..<100 {
                let connection = try RawConnection(port: port)
                await connection.send(Base.get(Base.shards + "?region=eu-west"))
                readers.append(connection)
            }
            #expect(try await handler.holds(1))
            for partition in 1..<DeltaIngest.readingsMax {
                let connection = try RawConnection(port: port)
                await connection.send(
                    Base.get(Base.shards + "?region=eu-west&partition=\(partition)"))
                readers.append(connection)
                #expect(try await handler.holds(partition + 1))
            }
            let one = Array(Base.get(Base.shards + "?region=eu-west&partition=9").utf8)
            #expect(try await Self.status(of: one, port: port) == 503)
            // Commits do not wait for them.
            let bytes = Base.post(DeltaCodec.encode(Base.request()))
            #expect(try await Self.status(of: bytes, port: port) == 200)
            handler.release()
            for connection in readers {
                #expect(try await connection.response().status == 200)
            }
            #expect(handler.asked.count == DeltaIngest.readingsMax)
            #expect(try await Self.status(of: one, port: port) == 200)
        }
    }

    @Test func `many refused shards make one log line`() async throws {
        let log = LogCapture()
        try await withIngest(log: log) { _, port in
            let request = Base.request(partitions: 0..<40)
            let json = String(decoding: DeltaCodec.encode(request, as: .json), as: UTF8.self)
            let bytes = Base.post(
                Array(json.replacing("\"USD\"", with: "\"XQX\"").utf8), type: "application/json")
            for _ in 0..<20 {
                let status = try await Self.status(of: bytes, port: port)
                #expect(status == 200)
            }
        }
        #expect(log.count("shards refused") == 1)
        #expect(log.count("shards=39") == 1)
    }
}
