import Foundation
import HTTPTestSupport
import Money
import RatesCore
import RatesFeed
import Testing
import Topology

@Suite("A feed from a file") struct RatesFileFeedTests {
    private static func text(_ rate: String) -> Data {
        Data(
            """
            {"base": "EUR", "date": "2026-11-20", "source": "by hand",
             "rates": {"USD": "\(rate)", "JPY": 172}}
            """.utf8)
    }

    private static func source(_ file: URL) -> RatesSource {
        var source = RatesSource(file: file.path, staleAfter: .seconds(93_600))
        source.refresh = .milliseconds(20)
        return source
    }

    @Test func `a changed file is read, and a bad one leaves the last good rates`() async throws {
        try await FeedScope.withFolder { folder in
            let file = folder.appending(path: "rates.json")
            try await FeedScope.with(Self.source(file)) { scope in
                try await scope.require { $0.counters.problems == [.fileMissing: 1] }
                #expect(scope.feed.hasLooked)
                #expect(scope.feed.current == nil)

                try Self.text("1.08").write(to: file, options: .atomic)
                try await scope.require { $0.current != nil }
                let first = try #require(scope.feed.current)
                #expect(first.set.source == "by hand")
                #expect(first.fetchedAt == nil)
                #expect(
                    first.staleFrom[RatesFixture.currency("USD")]
                        == RatesFixture.time("2026-11-21T02:00:00Z"))

                try Self.text("-1").write(to: file, options: .atomic)
                try await scope.require { $0.counters.problems[.malformed] == 1 }
                #expect(scope.feed.current?.set.id == first.set.id)

                // A file has no limit unless an operator sets one.
                try Self.text("108").write(to: file, options: .atomic)
                try await scope.require { $0.counters.accepted == 2 }
                #expect(scope.feed.counters.problems == [.fileMissing: 1, .malformed: 1])
                #expect(scope.log.count("rates.USD: expected a rate above zero") == 1)
                #expect(scope.log.count("exchange rates are available again") == 2)
            }
        }
    }

    @Test func `a limit for jumps applies to a file too`() async throws {
        try await FeedScope.withFolder { folder in
            let file = folder.appending(path: "rates.json")
            try Self.text("1.08").write(to: file, options: .atomic)
            var source = Self.source(file)
            source.jumpFactorMax = try ExchangeRate("2")
            try await FeedScope.with(source) { scope in
                try await scope.require { $0.current != nil }
                try Self.text("108").write(to: file, options: .atomic)
                try await scope.require { $0.counters.problems == [.jump: 1] }
                #expect(scope.feed.current?.held.map(\.reason) == ["jump"])
                try Self.text("1.09").write(to: file, options: .atomic)
                try await scope.require { $0.counters.accepted == 2 }
            }
        }
    }
}
