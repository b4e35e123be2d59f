import HTTPTestSupport
import PublicAPI
import Testing

@Suite struct StreamTests {
    static let request = PublicScope.get(PublicScope.streamPath + "?base_currency=USD")

    static func event(_ id: String, _ amount: String, degraded: Bool = false) -> String {
        """
        id: \(id)
        event: total
        data: {"time_window":"24h","base_currency":"USD","total_amount":\(amount),\
        "data_as_of":"2026-03-25T13:28:00Z","is_degraded":\(degraded)}


        """
    }

    static func quick(_ configuration: inout PublicServerConfiguration) {
        configuration.sweepInterval = .milliseconds(50)
    }

    @Test("A viewer gets the current total, then one event for each change and no others")
    func changes() async throws {
        try await PublicScope.withServer(Self.quick) { server in
            let connection = try server.connect()
            await connection.send(Self.request)
            let head = try await connection.read(through: "\r\n\r\n")
            for line in [
                "HTTP/1.1 200 OK", "Content-Type: text/event-stream; charset=utf-8",
                "Cache-Control: no-store, no-transform", "X-Accel-Buffering: no",
                "Access-Control-Allow-Origin: *", "Connection: close",
            ] {
                #expect(head.contains(line + "\r\n"))
            }
            let retry = try await connection.read(through: "\n\n")
            let milliseconds = try #require(Int(retry.dropFirst(7).dropLast(2)))
            #expect(retry.hasPrefix("retry: ") && (2_000...6_000).contains(milliseconds))
            #expect(
                try await connection.read(through: "}\n\n") == Self.event("s.1", "12504500.50"))
            // A different base changes, not this one.
            server.publish(PublicScope.report(version: "s.2"))
            server.publish(PublicScope.report(version: "s.3", usd: -7))
            #expect(try await connection.read(through: "}\n\n") == Self.event("s.3", "-0.07"))
            server.publish(PublicScope.report(version: "s.3", usd: -7, degraded: true))
            #expect(
                try await connection.read(through: "}\n\n")
                    == Self.event("s.3", "-0.07", degraded: true))
        }
    }

    @Test("Viewers get the newest report when they are notified, not before")
    func notifying() async throws {
        try await PublicScope.withServer(Self.quick) { server in
            let connection = try server.connect()
            await connection.send(Self.request)
            _ = try await connection.read(through: "}\n\n")
            for amount in 1...50 {
                server.published.publish(
                    RenderedReport(
                        report: PublicScope.report(version: "s.\(amount)", usd: Int128(amount))))
            }
            // A viewer that connects meanwhile starts with the newest.
            let other = try server.connect()
            await other.send(Self.request)
            _ = try await other.read(through: "\r\n\r\n")
            _ = try await other.read(through: "\n\n")
            #expect(try await other.read(through: "}\n\n") == Self.event("s.50", "0.50"))
            server.published.notifyViewers()
            #expect(try await connection.read(through: "}\n\n") == Self.event("s.50", "0.50"))
            server.publish(PublicScope.report(version: "s.51", usd: 51))
            for viewer in [connection, other] {
                #expect(try await viewer.read(through: "}\n\n") == Self.event("s.51", "0.51"))
            }
        }
    }

    @Test("A viewer that has the current total does not get it again, unless it may differ")
    func lastEventID() async throws {
        try await PublicScope.withServer(Self.quick) { server in
            func firstEvent(after id: String) async throws -> (RawConnection, String) {
                let connection = try server.connect()
                await connection.send(
                    PublicScope.get(
                        PublicScope.streamPath, headers: ["Last-Event-ID": id]))
                _ = try await connection.read(through: "\r\n\r\n")
                _ = try await connection.read(through: "\n\n")
                return (connection, "")
            }
            let (known, _) = try await firstEvent(after: "s.1")
            let (unknown, _) = try await firstEvent(after: "s.0")
            #expect(
                try await unknown.read(through: "}\n\n") == Self.event("s.1", "12504500.50"))
            server.publish(PublicScope.report(version: "s.1", usd: 5))
            // Its first event is the change.
            #expect(try await known.read(through: "}\n\n") == Self.event("s.1", "0.05"))
            // This version now has two totals, so having it is not enough.
            let (doubtful, _) = try await firstEvent(after: "s.1")
            #expect(try await doubtful.read(through: "}\n\n") == Self.event("s.1", "0.05"))
            server.publish(PublicScope.report(version: "s.2", usd: 5, degraded: true))
            let (degraded, _) = try await firstEvent(after: "s.2")
            #expect(
                try await degraded.read(through: "}\n\n")
                    == Self.event("s.2", "0.05", degraded: true))
        }
    }

    @Test("A quiet stream gets comments")
    func heartbeat() async throws {
        try await PublicScope.withServer {
            Self.quick(&$0)
            $0.heartbeat = .milliseconds(150)
        } _: { server in
            let connection = try server.connect()
            await connection.send(Self.request)
            _ = try await connection.read(through: "}\n\n")
            for _ in 0..<3 { #expect(try await connection.read(through: "\n\n") == ":\n\n") }
        }
    }

    @Test("A reader that reads nothing is closed; missed events are never stored for it")
    func stuck() async throws {
        try await PublicScope.withServer {
            $0.sweepInterval = .milliseconds(50)
            $0.stuckAfter = .milliseconds(500)
            $0.viewerSendBufferBytes = 2_048
        } _: { server in
            let stuck = try RawConnection(port: server.port, receiveBytes: 1_024)
            let reader = try server.connect()
            for connection in [stuck, reader] { await connection.send(Self.request) }
            _ = try await reader.read(through: "}\n\n")
            let began = ContinuousClock.now
            var amount: Int128 = 0
            // The reader gets each event before the next one is published. None is skipped, and the
            // stuck viewer delays no other.
            // Longer than `stuckAfter`, or the stuck viewer would read in time below.
            while amount < 400 || ContinuousClock.now - began < .seconds(2) {
                amount += 1
                server.publish(PublicScope.report(version: "s.\(amount)", usd: 10_000 + amount))
                let told = try await reader.read(through: "}\n\n")
                #expect(told.contains("id: s.\(amount)\n"))
            }
            // Eventually the server closes; it had sent only a small part before.
            var received = 0
            while let event = try? await stuck.read(through: "}\n\n") {
                received += 1
                #expect(event.hasSuffix("}\n\n"))
            }
            #expect(received < 200)
            #expect(try await server.answer(PublicScope.get("/livez")).status == 200)
        }
    }

    @Test("A slow reader gets the newest total, not every missed one")
    func latestWins() async throws {
        try await PublicScope.withServer {
            Self.quick(&$0)
            $0.viewerSendBufferBytes = 2_048
        } _: { server in
            let slow = try RawConnection(port: server.port, receiveBytes: 1_024)
            let reader = try server.connect()
            for connection in [slow, reader] { await connection.send(Self.request) }
            _ = try await reader.read(through: "}\n\n")
            for amount in 1...400 {
                server.publish(
                    PublicScope.report(
                        version: "s.\(amount)", usd: Int128(10_000 + amount)))
                _ = try await reader.read(through: "}\n\n")
            }
            var events: [String] = []
            while events.last?.contains("id: s.400\n") != true {
                events.append(try await slow.read(through: "}\n\n"))
            }
            #expect(events.count < 200)
        }
    }

    @Test("HEAD gets the stream's header and ends")
    func head() async throws {
        try await PublicScope.withServer { server in
            let connection = try server.connect()
            await connection.send(PublicScope.get(PublicScope.streamPath, method: "HEAD"))
            let response = try await connection.response(hasBody: false)
            #expect(response.status == 200)
            #expect(response["content-type"] == "text/event-stream; charset=utf-8")
            #expect(await connection.isClosedByServer())
        }
    }

    @Test("A stopping server ends the streams")
    func stopping() async throws {
        let connection = try await PublicScope.withServer { server in
            let connection = try server.connect()
            await connection.send(Self.request)
            _ = try await connection.read(through: "}\n\n")
            return connection
        }
        #expect(await connection.isClosedByServer())
    }
}
