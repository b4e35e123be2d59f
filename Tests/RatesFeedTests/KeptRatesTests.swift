import CivilTime
import Foundation
import HTTPTestSupport
import Money
import RatesFeed
import Testing
import Topology

@Suite("Rates kept for the next run") struct KeptRatesTests {
    private static let fetchedAt = RatesFixture.time("2026-11-20T16:05:00Z")

    private static func kept(
        _ provider: RatesProvider, _ text: String
    ) throws -> KeptRates {
        KeptRates(
            provider: provider, rates: try RatesFixture.read(text, of: provider),
            fetchedAt: fetchedAt)
    }

    @Test(arguments: [
        (RatesProvider.europeanCentralBank, RatesFixture.centralBank),
        (.frankfurter, RatesFixture.frankfurterSecond),
        (.openExchangeRates, RatesFixture.openExchangeRates),
    ])
    func `what was written is read again, id and all`(
        provider: RatesProvider, text: String
    ) throws {
        let before = try Self.kept(provider, text)
        let after = try KeptRates(before.bytes)
        #expect(after.provider == provider)
        #expect(after.fetchedAt == Self.fetchedAt)
        #expect(after.rates.set.id == before.rates.set.id)
        #expect(RatesFixture.listed(after.rates.set) == RatesFixture.listed(before.rates.set))
        #expect(after.rates.publishedAt == before.rates.publishedAt)
        #expect(after.rates.earlierDates == before.rates.earlierDates)
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

    @Test func `a run that begins without its provider goes on with the last good rates`()
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
                #expect(reading.staleFrom == RatesFixture.time("2026-11-23T17:00:00Z"))
            }
        }
    }

    @Test func `jumps are seen over a restart, and other files are refused`() async throws {
        try await FeedScope.withFolder { folder in
            let file = folder.appending(path: "rates.kept")
            let kept = try Self.kept(.europeanCentralBank, RatesFixture.centralBank)
            try Data(kept.bytes).write(to: file)
            let jumped = RatesFixture.centralBank.replacing("1.0705", with: "10.705")
            try await FeedScope.withPeer(Self.reply(jumped)) { peer in
                let source = try FeedScope.source(.europeanCentralBank, url: peer.url + "/a")
                try await FeedScope.with(source, keptIn: file.path) { scope in
                    try await scope.require { ($0.counters.problems[.jump] ?? 0) > 0 }
                    #expect(scope.feed.current?.set.id == kept.rates.set.id)
                }
                // Another provider's, of the future, damaged: each begins anew.
                let other = try Self.kept(.frankfurter, RatesFixture.frankfurter).bytes
                let late = RatesFixture.centralBank.replacing("2026-11-20", with: "2026-11-30")
                let future = try Self.kept(.europeanCentralBank, late).bytes
                for bytes in [other, future, Array("{}".utf8)] {
                    try Data(bytes).write(to: file)
                    try await FeedScope.with(source, keptIn: file.path) { scope in
                        try await scope.require { $0.counters.accepted == 1 }
                        #expect(scope.log.count("exchange rates of an earlier run refused") == 1)
                    }
                }
            }
            // A folder that is not there: told, and lived with.
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
