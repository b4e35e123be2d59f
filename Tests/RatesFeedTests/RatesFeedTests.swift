import CivilTime
import Foundation
import Gzip
import HTTPTestSupport
import Money
import RatesCore
import RatesFeed
import Synchronization
import Testing
import Topology

@Suite("A feed of a provider's rates", .serialized) struct RatesFeedTests {
    private typealias Behavior = ScriptedPeer.Behavior

    private static func document(
        _ text: String = RatesFixture.centralBank, headers: [String] = []
    ) -> Behavior {
        .reply(answer(200, type: "text/xml", headers: headers, body: Array(text.utf8)))
    }

    private static let newer = RatesFixture.centralBank.replacing("1.0705", with: "1.0711")

    private static func line(_ name: String, of request: ScriptedPeer.Request) -> String? {
        request.head.split(separator: "\r\n").map(String.init)
            .first { $0.lowercased().hasPrefix(name.lowercased() + ":") }
    }

    @Test func `rates are fetched, then requested only if changed`() async throws {
        let validators = [
            "ETag: W/\"5f3-1\"", "Last-Modified: Fri, 20 Nov 2026 15:01:02 GMT",
        ]
        let script: @Sendable (Int, ScriptedPeer.Request) -> Behavior = { number, _ in
            switch number {
            case 0: Self.document(headers: validators)
            // As real servers send it: without a body and its length.
            case 1...4: .reply(answer(304, length: .some(nil)))
            default: Self.document(Self.newer, headers: ["ETag: \"2\""])
            }
        }
        try await FeedScope.withPeer(script) { peer in
            let source = try FeedScope.source(
                .europeanCentralBank, url: peer.url + "/stats/daily.xml?a=b")
            let clock = Mutex(FeedScope.now)
            let now: @Sendable () -> UnixTime = {
                clock.withLock {
                    $0 = $0 + 1_000
                    return $0
                }
            }
            try await FeedScope.with(source, now: now) { scope in
                try await scope.require { $0.counters.confirmed == 4 }
                try await scope.require { $0.counters.accepted == 2 }
                let reading = try #require(scope.feed.current)
                let dollar = RatesFixture.currency("USD")
                #expect(reading.set.rate(of: dollar) == (try ExchangeRate("1.0711")))
                #expect(reading.fetchedAt == FeedScope.now + 6_000)
                #expect(try #require(reading.confirmedAt) >= FeedScope.now + 6_000)
                #expect(reading.missing.isEmpty)
                try await scope.require { _ in peer.requests.count > 6 }
                #expect(scope.feed.counters.problems.isEmpty)
                #expect(scope.log.count("using new exchange rates") == 2)
            }
            let requests = peer.requests
            #expect(peer.connections == 1)
            #expect(requests[0].head.hasPrefix("GET /stats/daily.xml?a=b HTTP/1.1\r\n"))
            #expect(Self.line("If-None-Match", of: requests[0]) == nil)
            #expect(Self.line("Authorization", of: requests[0]) == nil)
            for request in requests[1...5] {
                #expect(Self.line("If-None-Match", of: request) == "If-None-Match: W/\"5f3-1\"")
                #expect(
                    Self.line("If-Modified-Since", of: request)
                        == "If-Modified-Since: Fri, 20 Nov 2026 15:01:02 GMT")
            }
            let last = try #require(requests.dropFirst(6).first)
            #expect(Self.line("If-None-Match", of: last) == "If-None-Match: \"2\"")
            #expect(Self.line("If-Modified-Since", of: last) == nil)
        }
    }

    enum Fault: String, CaseIterable, Sendable {
        case error500, error404, overload, redirect, tooLarge, flood, garbage, html, empty, torn
        case reset, hang, drip, unasked304, yesterday

        var problem: RatesProblem {
            switch self {
            case .error500: .status(500)
            case .error404: .status(404)
            case .overload: .status(503)
            case .redirect: .redirected
            case .tooLarge, .flood: .oversize
            case .garbage, .html, .empty: .malformed
            case .torn, .reset: .torn
            case .hang, .drip: .timeout
            case .unasked304: .status(304)
            case .yesterday: .dateWentBack
            }
        }

        /// Slow faults happen once, to save time.
        var isQuick: Bool { self != .hang && self != .drip }

        func behavior(elsewhere: String) -> ScriptedPeer.Behavior {
            let body = Array(RatesFixture.centralBank.utf8)
            return switch self {
            case .error500: .reply(answer(500, body: body))
            case .error404: .reply(answer(404, body: body))
            case .overload: .reply(answer(503, headers: ["Retry-After: 1"]))
            case .redirect: .reply(answer(302, headers: ["Location: \(elsewhere)"]))
            case .tooLarge: .reply(answer(200, length: 1_048_577))
            case .flood:
                .flood(
                    answer(200, body: [UInt8](repeating: 0x20, count: 65_536), length: .some(nil)))
            case .garbage: .reply(answer(200, body: [0xFF, 0x00, 0x3C]))
            case .html: .reply(answer(200, body: Array("<html>Request Rejected</html>".utf8)))
            case .empty: .reply(answer(200))
            case .torn:
                .replyAndClose(
                    answer(
                        200, body: Array(body.dropLast(9)),
                        length: body.count))
            case .reset: .replyAndReset([])
            case .hang: .hang
            case .drip: .drip(answer(200, length: 100_000))
            case .unasked304: .reply(answer(304))
            case .yesterday:
                RatesFeedTests.document(
                    RatesFixture.centralBank.replacing("11-20", with: "11-19"))
            }
        }
    }

    @Test(arguments: Fault.allCases)
    func `the last good rates remain, whatever the source does`(fault: Fault) async throws {
        let strange: @Sendable (Int, ScriptedPeer.Request) -> Behavior = { _, _ in
            Self.document(Self.newer)
        }
        try await FeedScope.withPeer(strange) { elsewhere in
            let wrong = fault.behavior(elsewhere: elsewhere.url)
            let script: @Sendable (Int, ScriptedPeer.Request) -> Behavior = { number, _ in
                switch number {
                case 0: Self.document()
                case 1: wrong
                case 2 where fault.isQuick: wrong
                default: Self.document(Self.newer)
                }
            }
            try await FeedScope.withPeer(script) { peer in
                let source = try FeedScope.source(.europeanCentralBank, url: peer.url + "/a.xml")
                let bounds = fault.isQuick ? FeedScope.bounds : FeedScope.impatientBounds
                try await FeedScope.with(source, bounds: bounds) { scope in
                    try await scope.require { $0.current != nil }
                    let first = scope.feed.current?.set.id
                    try await scope.require {
                        ($0.counters.problems[fault.problem] ?? 0) >= 1
                            || $0.counters.accepted > 1
                    }
                    if scope.feed.counters.accepted == 1 {
                        #expect(scope.feed.current?.set.id == first)
                    }
                    try await scope.require { $0.counters.accepted == 2 }
                    // libcurl itself retries a connection once if it was reset meanwhile.
                    let times = fault.isQuick && fault != .reset ? 2 : 1
                    #expect(scope.feed.counters.problems.keys.elementsEqual([fault.problem]))
                    let count = try #require(scope.feed.counters.problems[fault.problem])
                    #expect(fault.isQuick ? count == times : count >= times)
                    let told = "no new exchange rates detail="
                    #expect(scope.log.count(told) == 1, "\(scope.log.lines)")
                    #expect(scope.log.count("reason=\(fault.problem)") == 1)
                    #expect(scope.log.count("exchange rates are available again") == 1)
                }
            }
            #expect(elsewhere.connections == 0)
        }
    }

    @Test func `an unrequested coding is decoded or logged`() async throws {
        let packed = try #require(Gzip.compress(Array(RatesFixture.centralBank.utf8)))
        let script: @Sendable (Int, ScriptedPeer.Request) -> Behavior = { number, request in
            #expect(Self.line("Accept-Encoding", of: request) == nil)
            let coding = number == 0 ? "br" : "gzip"
            return .reply(
                answer(
                    200, headers: ["Content-Encoding: \(coding)"],
                    body: number == 0 ? [0x8B, 0x02, 0x80] : packed))
        }
        try await FeedScope.withPeer(script) { peer in
            let source = try FeedScope.source(.europeanCentralBank, url: peer.url + "/a.xml")
            try await FeedScope.with(source) { scope in
                try await scope.require { $0.counters.accepted == 1 }
                #expect(scope.log.count("Content-Encoding br") == 1, "\(scope.log.lines)")
            }
        }
    }

    @Test func `a second source or a file of accepted rates confirms a jump`() async throws {
        let jumped = RatesFixture.centralBank.replacing("1.0705", with: "10.705")
        let script: @Sendable (Int, ScriptedPeer.Request) -> Behavior = { number, _ in
            number == 0 ? Self.document() : Self.document(jumped)
        }
        let word = RatesFixture.frankfurter.replacing("1.0705", with: "10.7")
        try await FeedScope.withFolder { folder in
            let file = folder.appending(path: "accepted.json")
            try await FeedScope.withPeer(script) { peer in
                var source = try FeedScope.source(.europeanCentralBank, url: peer.url + "/a.xml")
                source.witnesses = [RatesSource(file: file.path)]
                try await FeedScope.with(source) { scope in
                    try await scope.require { ($0.counters.problems[.jump] ?? 0) > 0 }
                    #expect(scope.feed.counters.accepted == 1)
                    let text = """
                        {"base": "EUR", "date": "2026-11-20", "source": "the night shift",
                         "rates": {"USD": 10.7}}
                        """
                    try Data(text.utf8).write(to: file, options: .atomic)
                    try await scope.require { $0.counters.accepted == 2 }
                    #expect(scope.log.count("because=confirmed by the night shift") == 1)
                    #expect(scope.feed.counters.problems[.fileMissing] == nil)
                }
            }
            try await FeedScope.withPeer(.reply(answer(200, body: Array(word.utf8)))) { second in
                try await FeedScope.withPeer(script) { peer in
                    var source = try FeedScope.source(
                        .europeanCentralBank, url: peer.url + "/a.xml")
                    source.witnesses = [
                        try FeedScope.source(.frankfurter, url: second.url + "/latest")
                    ]
                    try await FeedScope.with(source) { scope in
                        try await scope.require { $0.counters.accepted == 2 }
                        #expect(scope.log.count("because=confirmed by Frankfurter") == 1)
                    }
                }
            }
        }
    }

    @Test func `a missing source is unreachable, and gives no rates`() async throws {
        let source = try FeedScope.source(.frankfurter, url: "http://127.0.0.1:1/latest")
        try await FeedScope.with(source) { scope in
            try await scope.require { $0.hasLooked }
            #expect(scope.feed.current == nil)
            try await scope.require { ($0.counters.problems[.unreachable] ?? 0) > 2 }
            #expect(scope.log.count("reason=unreachable") == 1)
        }
    }

    @Test func `an app id appears only in a header, and may change`() async throws {
        let keys = ["0123456789abcdefCANARY0123456789", "00112233445566778899aabbccddeeff"]
            .map { $0.replacing("CANARY", with: "cafe01") }
        let body = answer(
            200, type: "application/json", body: Array(RatesFixture.openExchangeRates.utf8))
        let script: @Sendable (Int, ScriptedPeer.Request) -> Behavior = { number, _ in
            number < 2 ? .reply(answer(401)) : .reply(body)
        }
        try await FeedScope.withFolder { folder in
            let file = folder.appending(path: "app.id")
            try Data((keys[0] + "\n").utf8).write(to: file)
            try await FeedScope.withPeer(script) { peer in
                let source = try FeedScope.source(
                    .openExchangeRates, url: peer.url + "/api/latest.json", appIDFile: file.path)
                try await FeedScope.with(source) { scope in
                    try await scope.require { $0.current != nil }
                    #expect(scope.feed.current?.set.source == "Open Exchange Rates")
                    try Data(keys[1].utf8).write(to: file)
                    try await scope.require { _ in
                        peer.requests.last?.head.contains(keys[1]) == true
                    }
                    try Data("no app id, \(keys[0])".utf8).write(to: file)
                    try await scope.require {
                        ($0.counters.problems[.secretUnreadable] ?? 0) > 1
                    }
                    let asked = peer.requests.count
                    let failures = scope.feed.counters.problems[.secretUnreadable] ?? 0
                    try await scope.require {
                        ($0.counters.problems[.secretUnreadable] ?? 0) > failures + 2
                    }
                    #expect(peer.requests.count == asked)
                    let lines = scope.log.lines.joined(separator: "\n")
                    #expect(keys.allSatisfy { !lines.contains($0) })
                    #expect(scope.log.count("reason=status_401") == 1)
                }
                let first = try #require(peer.requests.first)
                #expect(first.head.hasPrefix("GET /api/latest.json HTTP/1.1\r\n"))
                #expect(
                    Self.line("Authorization", of: first) == "Authorization: Token \(keys[0])")
            }
        }
    }

    @Test func `a feed stops while its source hangs`() async throws {
        try await FeedScope.withPeer(.hang) { peer in
            let source = try FeedScope.source(.frankfurter, url: peer.url + "/latest")
            let feed = try #require(
                try RatesFeed(
                    topology: FeedScope.topology(source), logger: LogCapture().logger))
            let running = Task { await feed.run() }
            let deadline = ContinuousClock.now + .seconds(5)
            while peer.requests.isEmpty, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(peer.requests.count == 1)
            let begin = ContinuousClock.now
            running.cancel()
            await running.value
            // libcurl checks about once a second whether to stop.
            #expect(ContinuousClock.now - begin < .seconds(4))
            #expect(feed.counters.problems.isEmpty)
        }
    }

    @Test func `plain HTTP needs allow_http, and there is no feed without a source`() throws {
        let log = LogCapture().logger
        var source = try FeedScope.source(.frankfurter, url: "http://127.0.0.1:1/latest")
        source.allowsPlainHTTP = false
        #expect(throws: RatesFeedError.self) {
            try RatesFeed(topology: FeedScope.topology(source), logger: log)
        }
        var topology = FeedScope.topology(source)
        topology.rates = nil
        #expect(try RatesFeed(topology: topology, logger: log) == nil)
    }
}
