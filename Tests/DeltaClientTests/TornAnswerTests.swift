import CivilTime
import DeltaClient
import DeltaCodec
import DeltaProtocol
import HTTPTestSupport
import Identifiers
import Testing

@Suite("Only a complete answer to the request acknowledges")
struct TornAnswerTests {
    private static let request = pushOf(shards: 4)
    private static let body = DeltaCodec.encode(replyTo(request))

    /// After the fault the peer works again, and so must the client.
    private func expect(
        _ problem: DeliveryProblem, from fault: ScriptedPeer.Behavior, after: Duration? = nil,
        change: (inout DeltaClientConfiguration) -> Void = { _ in },
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let script: @Sendable (Int, ScriptedPeer.Request) -> ScriptedPeer.Behavior = {
            number, _ in number == 0 ? fault : .reply(committed(Self.request))
        }
        try await withPeer(script, change: change) { _, client in
            let torn = await client.push(Self.request)
            #expect(torn == .retry(problem, after: after), sourceLocation: sourceLocation)
            // A busy machine may need longer than the short timeouts set for the faults.
            let deadline = ContinuousClock.now + .seconds(20)
            var whole = await client.push(Self.request)
            while whole == .retry(.timeout, after: nil), ContinuousClock.now < deadline {
                whole = await client.push(Self.request)
            }
            #expect(whole == .answered(replyTo(Self.request)), sourceLocation: sourceLocation)
        }
    }

    @Test("A body shorter than its length is torn, wherever it ends")
    func cutBody() async throws {
        for kept in [0, 1, Self.body.count / 2, Self.body.count - 1] {
            let cut = answer(200, body: Array(Self.body.prefix(kept)), length: Self.body.count)
            try await expect(.torn, from: .replyAndClose(cut))
        }
        let half = answer(200, body: Array(Self.body.prefix(20)), length: Self.body.count)
        try await expect(.torn, from: .replyAndReset(half))
    }

    @Test("Headers cut anywhere, other protocols, and empty answers are torn")
    func cutHeaders() async throws {
        let whole = answer(200, body: Self.body)
        for kept in [0, 5, 12, 30, whole.count - Self.body.count - 1] {
            try await expect(.torn, from: .replyAndClose(Array(whole.prefix(kept))))
        }
        try await expect(.torn, from: .replyAndClose([UInt8](repeating: 0xFF, count: 5_000)))
    }

    @Test("A chunked body without its last chunk is torn; with it, it is an answer")
    func chunks() async throws {
        let size = String(Self.body.count, radix: 16)
        let head = answer(200, headers: ["Transfer-Encoding: chunked"], length: .some(nil))
        let open = head + Array("\(size)\r\n".utf8) + Self.body + Array("\r\n".utf8)
        try await expect(.torn, from: .replyAndClose(open))
        try await expect(.torn, from: .replyAndClose(head + Array("zz\r\n".utf8) + Self.body))
        try await withPeer(.reply(open + Array("0\r\n\r\n".utf8))) { _, client in
            #expect(await client.push(Self.request) == .answered(replyTo(Self.request)))
        }
    }

    @Test("A body delimited only by the connection's end may be cut, so it is torn")
    func undelimited() async throws {
        try await expect(
            .torn, from: .replyAndClose(answer(200, body: Self.body, length: .some(nil))))
    }

    @Test("A length shorter than the body leaves nothing for the next exchange")
    func shortLength() async throws {
        let short = answer(200, body: Self.body, length: Self.body.count - 1)
        try await expect(.unintelligible, from: .reply(short))
    }

    @Test("200 with anything but this request's answer is unintelligible")
    func garbage() async throws {
        var partial = replyTo(Self.request)
        partial.shards.removeLast()
        var doubled = replyTo(Self.request)
        doubled.shards[0] = doubled.shards[1]
        var foreign = replyTo(Self.request)
        foreign.shards[0].partition = 99
        var more = replyTo(Self.request)
        more.shards.append(foreign.shards[0])
        let bodies =
            [partial, doubled, foreign, more].map { DeltaCodec.encode($0) }
            + [[], Array("<html>".utf8), [UInt8](repeating: 0xFF, count: 100)]
        for body in bodies {
            try await expect(.unintelligible, from: .reply(answer(200, body: body)))
        }
        let page = answer(200, type: "text/html", body: Self.body)
        try await expect(.unintelligible, from: .reply(page))
    }

    @Test("An oversized answer is cut off, announced or not, in headers or body")
    func oversize() async throws {
        let announced = answer(200, body: [1], length: DeltaClient.maximumAnswerBytes + 1)
        try await expect(.oversize, from: .replyAndClose(announced))
        let chunk = Array("10000\r\n".utf8) + [UInt8](repeating: 7, count: 65_536)
        let head = answer(200, headers: ["Transfer-Encoding: chunked"], length: .some(nil))
        let chunks = (0...256).reduce(into: head) { bytes, _ in bytes += chunk + [13, 10] }
        try await expect(.oversize, from: .replyAndClose(chunks))
        let header = Array("X-Filler: \(String(repeating: "x", count: 500))\r\n".utf8)
        let flood = (0..<1_000).reduce(into: Array("HTTP/1.1 200 OK\r\n".utf8)) { bytes, _ in
            bytes += header
        }
        try await expect(.oversize, from: .replyAndClose(flood))
    }

    @Test("A peer that hangs, drips or never ends causes a timeout")
    func slowPeers() async throws {
        try await expect(.timeout, from: .hang) { $0.totalTimeout = .milliseconds(200) }
        try await expect(.timeout, from: .hang)
        let begun = answer(200, length: 1 << 20)
        try await expect(.timeout, from: .drip(begun))
        try await expect(.timeout, from: .drip(begun)) { $0.totalTimeout = .milliseconds(300) }
        // Informational answers without end.
        let informational = Array("HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n".utf8)
        try await expect(.oversize, from: .flood(informational))
    }

    @Test("A redirect is refused, not followed")
    func redirect() async throws {
        let moved = answer(301, headers: ["Location: /elsewhere"])
        try await withPeer(.reply(moved)) { peer, client in
            #expect(await client.push(Self.request) == .refused(status: 301, title: ""))
            #expect(peer.requests.count == 1)
        }
    }

    @Test("Overload and server errors are retried after the Retry-After time")
    func retryAfter() async throws {
        for status in [408, 425, 429, 500, 502, 503, 507] {
            let busy = answer(status, headers: ["Retry-After: 7"])
            try await expect(.status(status), from: .reply(busy), after: .seconds(7))
            try await expect(.status(status), from: .reply(answer(status)))
        }
        let farDate = "Retry-After: Wed, 21 Oct 2099 07:28:00 GMT"
        try await expect(
            .status(503), from: .reply(answer(503, headers: [farDate])), after: .seconds(86_400))
        for nonsense in ["-5", "soon", "0", "99999999999999999999999", "1e3", ""] {
            let busy = answer(429, headers: ["Retry-After: \(nonsense)"])
            try await withPeer(.reply(busy)) { _, client in
                guard case .retry(.status(429), let after) = await client.push(Self.request) else {
                    Issue.record("expected a retry for \(nonsense)")
                    return
                }
                #expect(after.map { $0 > .zero && $0 <= .seconds(86_400) } ?? true)
            }
        }
    }

    @Test("One answer's Retry-After does not affect the next")
    func retryAfterForgotten() async throws {
        let script: @Sendable (Int, ScriptedPeer.Request) -> ScriptedPeer.Behavior = {
            number, _ in .reply(answer(503, headers: number == 0 ? ["Retry-After: 9"] : []))
        }
        try await withPeer(script) { _, client in
            #expect(await client.push(Self.request) == .retry(.status(503), after: .seconds(9)))
            #expect(await client.push(Self.request) == .retry(.status(503), after: nil))
        }
    }

    @Test("A refusal carries HQ's title, safe for a log line")
    func refusals() async throws {
        let problem = "application/problem+json"
        let long = String(repeating: "x", count: 500)
        let cases: [(type: String, body: String, title: String)] = [
            (
                problem, #"{"type":"about:blank","title":"Unknown region","status":403}"#,
                "Unknown region"
            ),
            ("Application/Problem+JSON; charset=utf-8", #"{"title":"a"}"#, "a"),
            (problem, #"{"title":"one\ntwo\u001b[31m\u2028three"}"#, "onetwo[31mthree"),
            (problem, "{\"title\":\"\(long)\"}", String(long.prefix(200))),
            (problem, "not JSON", ""), (problem, #"{"title":7}"#, ""), (problem, "", ""),
            ("text/html", "<h1>no</h1>", ""),
        ]
        for (type, body, title) in cases {
            let refusal = answer(403, type: type, body: Array(body.utf8))
            try await withPeer(.reply(refusal)) { peer, client in
                let expected = HeadquartersAnswer<DeltaReply>.refused(status: 403, title: title)
                #expect(await client.push(Self.request) == expected)
                #expect(
                    await client.statuses(region: RegionID("a")!)
                        == .refused(status: 403, title: title))
            }
        }
        for status in [201, 204, 302, 400, 401, 404, 409, 413, 415, 421] {
            try await withPeer(.reply(answer(status))) { _, client in
                #expect(await client.push(Self.request) == .refused(status: status, title: ""))
            }
        }
    }

    @Test("Truncated statuses are not accepted")
    func cutStatuses() async throws {
        let status = ShardStatus(
            log: LogID("settled-1")!, partition: 0, watermark: 1, claims: Claims(from: Minute(1)),
            foldVersion: FoldVersion(rules: 1, settings: 1, digest: 1), fingerprint: nil)
        let body = DeltaCodec.encode(
            ShardStatuses(shards: [status, status], serverTime: UnixTime(seconds: 1)))
        let cut = answer(200, body: Array(body.prefix(body.count / 2)), length: body.count)
        try await withPeer(.replyAndClose(cut)) { _, client in
            #expect(await client.statuses(region: RegionID("a")!) == .retry(.torn, after: nil))
        }
        try await withPeer(.reply(answer(200, body: [0xFF]))) { _, client in
            #expect(
                await client.statuses(region: RegionID("a")!)
                    == .retry(.unintelligible, after: nil))
        }
    }
}
