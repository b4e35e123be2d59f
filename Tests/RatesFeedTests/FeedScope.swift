import Addresses
import CivilTime
import Foundation
import HTTPClient
import HTTPTestSupport
import Logging
import Money
import RatesCore
import RatesFeed
import Testing
import Topology

/// A feed that runs while a test's body runs.
struct FeedScope: Sendable {
    let feed: RatesFeed
    let log: LogCapture

    /// Long enough for a busy machine.
    static let bounds = HTTPClientConfiguration(
        connectTimeout: .seconds(10), totalTimeout: .seconds(30), slowBytesPerSecond: 1,
        slowTime: .seconds(20), maximumBodyBytes: RatesDocument.maximumBytes)
    /// Short enough for a test of a source that hangs or drips.
    static let impatientBounds = HTTPClientConfiguration(
        connectTimeout: .seconds(10), totalTimeout: .seconds(30), slowBytesPerSecond: 200,
        slowTime: .seconds(1), maximumBodyBytes: RatesDocument.maximumBytes)
    static let now = RatesFixture.time("2026-11-20T18:00:00Z")

    static func topology(_ rates: RatesSource) -> Topology {
        let currencies = ["EUR", "USD", "JPY"].map(RatesFixture.currency)
        return Topology(
            regions: [], currencies: currencies, baseCurrencies: currencies,
            defaultBase: currencies[1], headquarters: [], redis: .unixSocket("/nowhere"),
            rates: rates, idKeyFile: "unused")
    }

    /// The source at `url`, checked every 30 ms.
    static func source(
        _ provider: RatesProvider, url: String, appIDFile: String? = nil
    ) throws -> RatesSource {
        guard let url = ResourceURL(url) else { throw RatesFixtureError() }
        var source = RatesSource(provider: provider, url: url, appIDFile: appIDFile)
        source.allowsPlainHTTP = true
        source.refresh = .milliseconds(30)
        return source
    }

    static func with(
        _ source: RatesSource, keptIn path: String? = nil,
        bounds: HTTPClientConfiguration = bounds,
        now: @escaping @Sendable () -> UnixTime = { FeedScope.now },
        _ body: @Sendable (FeedScope) async throws -> Void
    ) async throws {
        let log = LogCapture()
        guard
            let feed = try RatesFeed(
                topology: topology(source), logger: log.logger, keptIn: path, bounds: bounds,
                now: now)
        else { throw RatesFixtureError() }
        let running = Task { await feed.run() }
        do {
            try await body(FeedScope(feed: feed, log: log))
        } catch {
            running.cancel()
            await running.value
            throw error
        }
        running.cancel()
        await running.value
    }

    /// Waits until the condition holds; fails the test after two minutes.
    func require(
        sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: @Sendable (RatesFeed) -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while !condition(feed) {
            let isLate = ContinuousClock.now >= deadline
            try #require(
                !isLate, "counters \(feed.counters), log \(log.lines)",
                sourceLocation: sourceLocation)
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Runs a scripted server while `body` runs.
    static func withPeer(
        _ script: @escaping @Sendable (Int, ScriptedPeer.Request) -> ScriptedPeer.Behavior,
        _ body: @Sendable (ScriptedPeer) async throws -> Void
    ) async throws {
        let peer = try ScriptedPeer(script)
        do {
            try await body(peer)
        } catch {
            await peer.stop()
            throw error
        }
        await peer.stop()
    }

    /// Runs a server that always does the same.
    static func withPeer(
        _ behavior: ScriptedPeer.Behavior, _ body: @Sendable (ScriptedPeer) async throws -> Void
    ) async throws {
        let script: @Sendable (Int, ScriptedPeer.Request) -> ScriptedPeer.Behavior = { _, _ in
            behavior
        }
        try await withPeer(script, body)
    }

    /// The test's own folder.
    static func withFolder(_ body: @Sendable (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "rates-feed-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder)
    }
}
