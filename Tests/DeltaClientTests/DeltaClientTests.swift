import CivilTime
import DeltaClient
import DeltaCodec
import DeltaProtocol
import HTTPTestSupport
import Identifiers
import Testing

@Suite("A node's conversation with HQ")
struct DeltaClientTests {
    @Test("Pushes share one connection and send no needless headers")
    func connectionReuse() async throws {
        let request = pushOf(shards: 3)
        try await withPeer(.reply(committed(request))) { peer, client in
            for _ in 0..<20 {
                #expect(await client.push(request) == .answered(replyTo(request)))
            }
            #expect(peer.connections == 1)
            let received = try #require(peer.requests.first)
            #expect(received.body == DeltaCodec.encode(request))
            let lines = received.head.split(separator: "\r\n").map(String.init)
            #expect(lines[0] == "POST /internal/v1/rollup/deltas HTTP/1.1")
            #expect(
                lines.dropFirst().sorted() == [
                    "Accept: application/x-protobuf", "Content-Length: \(received.body.count)",
                    "Content-Type: application/x-protobuf", "Host: 127.0.0.1:\(peer.port)",
                    "User-Agent: tributary",
                ])
            print("HTTP head of a push: \(received.head.utf8.count + 4) bytes")
        }
    }

    @Test("A large body is sent without Expect: 100-continue")
    func largeBody() async throws {
        var request = pushOf(shards: 1)
        request.shards[0].buckets = manyBuckets(count: 100_000)
        try await withPeer(.reply(committed(request))) { peer, client in
            #expect(await client.push(request) == .answered(replyTo(request)))
            #expect(peer.requests.first?.head.lowercased().contains("expect") == false)
            #expect(peer.requests.first?.body == DeltaCodec.encode(request))
        }
    }

    @Test("A connection that HQ closed between pushes is replaced")
    func closedInBetween() async throws {
        let request = pushOf(shards: 1)
        try await withPeer(.replyAndClose(committed(request))) { peer, client in
            for _ in 0..<5 {
                #expect(await client.push(request) == .answered(replyTo(request)))
            }
            #expect(peer.connections == 5)
        }
    }

    @Test("Statuses are queried by region, and by partition for seeding")
    func statuses() async throws {
        let status = ShardStatus(
            log: LogID("settled-1")!, partition: 3, watermark: 900, claims: Claims(from: Minute(7)),
            foldVersion: FoldVersion(rules: 1, settings: 2, digest: 3), fingerprint: nil,
            values: .init(buckets: manyBuckets(count: 40_000), late: []))
        let statuses = ShardStatuses(shards: [status], serverTime: UnixTime(seconds: 1))
        let body = DeltaCodec.encode(statuses)
        try await withPeer(.reply(answer(200, body: body))) { peer, client in
            let region = RegionID("eu-west")!
            #expect(await client.statuses(region: region) == .answered(statuses))
            #expect(await client.statuses(region: region, partition: 3) == .answered(statuses))
            #expect(
                peer.requests.map { $0.head.prefix { $0 != "\r\n" } } == [
                    "GET /internal/v1/rollup/shards?region=eu-west HTTP/1.1",
                    "GET /internal/v1/rollup/shards?region=eu-west&partition=3 HTTP/1.1",
                ])
            #expect(peer.connections == 1)
        }
    }

    @Test("A push after statuses is a POST again, with its own body")
    func alternation() async throws {
        let request = pushOf(shards: 2)
        let nothing = ShardStatuses(shards: [], serverTime: UnixTime(seconds: 1))
        let script: @Sendable (Int, ScriptedPeer.Request) -> ScriptedPeer.Behavior = { _, asked in
            asked.head.hasPrefix("GET")
                ? .reply(answer(200, body: DeltaCodec.encode(nothing)))
                : .reply(committed(request))
        }
        try await withPeer(script) { peer, client in
            for _ in 0..<3 {
                #expect(await client.statuses(region: RegionID("a")!) == .answered(nothing))
                #expect(await client.push(request) == .answered(replyTo(request)))
            }
            #expect(peer.requests.map(\.body.isEmpty) == [true, false, true, false, true, false])
        }
    }

    @Test("If no server listens, HQ is unreachable")
    func unreachable() async throws {
        let peer = try ScriptedPeer(.hang)
        await peer.stop()
        let client = try DeltaClient(DeltaClientConfiguration(url: peer.url))
        #expect(await client.push(pushOf(shards: 1)) == .retry(.unreachable, after: nil))
        await client.stop()
    }

    @Test("Stopping ends a hanging exchange and all later ones")
    func stop() async throws {
        let peer = try ScriptedPeer(.hang)
        let client = try DeltaClient(DeltaClientConfiguration(url: peer.url))
        let clock = ContinuousClock()
        async let hanging = client.push(pushOf(shards: 1))
        while peer.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        let elapsed = await clock.measure { await client.stop() }
        #expect(await hanging == .retry(.stopped, after: nil))
        #expect(await client.push(pushOf(shards: 1)) == .retry(.stopped, after: nil))
        #expect(elapsed < .seconds(5))
        await peer.stop()
    }

    @Test(
        "Plain HTTP stays on this machine unless configured otherwise",
        arguments: [
            ("http://127.0.0.1:8081", false, true), ("http://127.9.9.9", false, true),
            ("http://localhost:1/", false, true), ("http://[::1]:1", false, true),
            ("https://hq.example", false, true), ("https://hq.example:8443", false, true),
            ("http://hq.example:1", false, false), ("http://hq.example:1", true, true),
            ("http://10.0.0.1:1", false, false), ("http://127.0.0.1.example", false, false),
            ("http://localhost.example", false, false), ("ftp://127.0.0.1", true, false),
            ("file:///etc/passwd", true, false), ("", true, false), ("hq", true, false),
            ("http://user@127.0.0.1", true, false), ("http://127.0.0.1/path", true, false),
            ("http://127.0.0.1/?q", true, false), ("http://127.0.0.1/#f", true, false),
            ("http://127.0.0.1:99999", true, false), ("http://a b", true, false),
        ])
    func urls(url: String, allowsPlainHTTP: Bool, isGood: Bool) async {
        var configuration = DeltaClientConfiguration(url: url)
        configuration.allowsPlainHTTP = allowsPlainHTTP
        let client = try? DeltaClient(configuration)
        #expect((client != nil) == isGood)
        await client?.stop()
    }

    @Test("Times that are not positive are refused")
    func times() {
        for change: @Sendable (inout DeltaClientConfiguration) -> Void in [
            { $0.connectTimeout = .zero }, { $0.totalTimeout = .zero },
            { $0.slowTime = .milliseconds(999) }, { $0.slowBytesPerSecond = 0 },
        ] {
            var configuration = DeltaClientConfiguration(url: "http://127.0.0.1:1")
            change(&configuration)
            #expect(throws: DeltaClientError.self) { try DeltaClient(configuration) }
        }
    }
}
