import CivilTime
import Foundation
import HTTPTestSupport
import Money
import RatesCore
import RatesFeed
import Testing
import Topology

@Suite("Rates kept for the next run") struct KeptRatesTests {
    private static let fetchedAt = RatesFixture.time("2026-11-20T16:05:00Z")

    /// The rates that a book keeps after one document.
    private static func kept(
        _ provider: RatesProvider, _ text: String, at now: UnixTime = FeedScope.now
    ) throws -> KeptRates {
        var book = RatesBook(
            policy: RatesPolicy(jumpFactorMax: try ExchangeRate("1.5")),
            calendar: .targetDays(grace: .seconds(7_200)), converted: [])
        _ = book.take(.rates(try RatesFixture.read(text, of: provider)), now: now)
        return KeptRates(
            provider: provider, ledger: try #require(book.ledger), fetchedAt: fetchedAt)
    }

    @Test(arguments: [
        (RatesProvider.europeanCentralBank, RatesFixture.centralBank),
        (.frankfurter, RatesFixture.frankfurterSecond),
        (.openExchangeRates, RatesFixture.openExchangeRates),
    ])
    func `kept rates are read back unchanged`(
        provider: RatesProvider, text: String
    ) throws {
        var before = try Self.kept(provider, text)
        let pound = RatesFixture.currency("GBP")
        let rate = try #require(before.ledger.inForce[pound])
        before.ledger.left[pound] = RateLedger.Left(rate: rate.rate, at: FeedScope.now)
        before.ledger.doubts[pound] = RateLedger.Doubt(
            offered: rate,
            repetition: RateLedger.Repetition(
                firstAt: FeedScope.now, lastAt: FeedScope.now + 1, answers: 2))
        let after = try KeptRates(before.bytes)
        #expect(after.provider == provider)
        #expect(after.fetchedAt == Self.fetchedAt)
        #expect(after.ledger.base == before.ledger.base)
        #expect(after.ledger.source == before.ledger.source)
        #expect(after.ledger.inForce == before.ledger.inForce)
        #expect(after.ledger.doubts == before.ledger.doubts)
        #expect(after.ledger.left == before.ledger.left)
    }

    @Test func `rates kept by the first version are read too`() throws {
        let text = """
            {
              "provider": "frankfurter",
              "base": "EUR",
              "date": "2026-11-20",
              "fetched_at_ms": 1795190700000,
              "published_at_ms": null,
              "rates": {
                "CNY": "7.7748",
                "EUR": "1",
                "USD": "1.0705"
              },
              "earlier_dates": {
                "CNY": "2026-11-18"
              }
            }

            """
        let kept = try KeptRates(Array(text.utf8))
        #expect(kept.provider == .frankfurter)
        #expect(kept.ledger.source == "Frankfurter")
        #expect(kept.ledger.doubts.isEmpty)
        func rate(_ text: String, _ day: String) throws -> RateLedger.Rate {
            RateLedger.Rate(
                rate: try ExchangeRate(text), day: day,
                since: RatesFixture.time("\(day)T00:00:00Z"))
        }
        #expect(
            kept.ledger.inForce == [
                RatesFixture.currency("CNY"): try rate("7.7748", "2026-11-18"),
                RatesFixture.currency("USD"): try rate("1.0705", "2026-11-20"),
            ])
    }

    @Test func `bytes cut anywhere are refused`() throws {
        let bytes = try Self.kept(.frankfurter, RatesFixture.frankfurterSecond).bytes
        // The last two are a brace and a line break.
        for count in 0..<bytes.count - 1 {
            #expect(throws: RatesDocumentError.self) { try KeptRates(Array(bytes[..<count])) }
        }
    }

    private static func reply(_ text: String) -> ScriptedPeer.Behavior {
        .reply(answer(200, body: Array(text.utf8)))
    }

    @Test func `a run that starts without its provider continues with the last good rates`()
        async throws
    {
        try await FeedScope.withFolder { folder in
            let file = folder.appending(path: "rates.kept").path
            try await FeedScope.withPeer(Self.reply(RatesFixture.centralBank)) { peer in
                let source = try FeedScope.source(.europeanCentralBank, url: peer.url + "/a")
                try await FeedScope.with(source, keptIn: file) { scope in
                    try await scope.require { $0.counters.confirmed > 0 }
                }
            }
            let source = try FeedScope.source(.europeanCentralBank, url: "http://127.0.0.1:1/a")
            try await FeedScope.with(source, keptIn: file) { scope in
                try await scope.require { $0.hasLooked }
                let reading = try #require(scope.feed.current)
                #expect(
                    RatesFixture.listed(reading.set)
                        == ["EUR 1", "GBP 0.84638", "JPY 171.94", "KRW 1474.86", "USD 1.0705"])
                #expect(reading.fetchedAt == FeedScope.now)
                #expect(reading.confirmedAt == nil)
                #expect(
                    reading.staleFrom[RatesFixture.currency("USD")]
                        == RatesFixture.time("2026-11-23T17:00:00Z"))
            }
        }
    }

    @Test func `jumps are detected across a restart, and other files are refused`() async throws {
        try await FeedScope.withFolder { folder in
            let file = folder.appending(path: "rates.kept")
            let kept = try Self.kept(.europeanCentralBank, RatesFixture.centralBank)
            try Data(kept.bytes).write(to: file)
            let jumped = RatesFixture.centralBank.replacing("1.0705", with: "10.705")
            try await FeedScope.withPeer(Self.reply(jumped)) { peer in
                let source = try FeedScope.source(.europeanCentralBank, url: peer.url + "/a")
                try await FeedScope.with(source, keptIn: file.path) { scope in
                    try await scope.require { ($0.counters.problems[.jump] ?? 0) > 0 }
                    let reading = try #require(scope.feed.current)
                    let dollar = RatesFixture.currency("USD")
                    #expect(reading.set.rate(of: dollar) == (try ExchangeRate("1.0705")))
                    #expect(reading.held.map(\.currency) == [dollar])
                }
                // From another provider, from the future, damaged: each makes the run start without
                // rates.
                let other = try Self.kept(.frankfurter, RatesFixture.frankfurter).bytes
                let late = RatesFixture.centralBank.replacing("2026-11-20", with: "2026-11-30")
                let future = try Self.kept(
                    .europeanCentralBank, late, at: RatesFixture.time("2026-11-30T18:00:00Z")
                ).bytes
                for bytes in [other, future, Array("{}".utf8)] {
                    try Data(bytes).write(to: file)
                    try await FeedScope.with(source, keptIn: file.path) { scope in
                        try await scope.require { $0.counters.accepted == 1 }
                        #expect(
                            scope.log.count("ignoring the exchange rates of an earlier run") == 1)
                    }
                }
            }
            // A missing folder is logged and otherwise ignored.
            try await FeedScope.withPeer(Self.reply(RatesFixture.centralBank)) { peer in
                let source = try FeedScope.source(.europeanCentralBank, url: peer.url + "/a")
                let nowhere = folder.appending(path: "none/rates.kept").path
                try await FeedScope.with(source, keptIn: nowhere) { scope in
                    try await scope.require { $0.counters.accepted == 1 }
                }
            }
        }
    }
}
