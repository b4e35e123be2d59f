import CivilTime
import DeltaProtocol
import Foundation
import HTTPTestSupport
import HeadquartersService
import Identifiers
import Money
import Testing

/// Two replicas on one Redis that loses keys: neither publishes a lower total.
@Suite struct LossTests {
    private static let full = Decimal(77)
    private static let minute = HeadquartersScope.now.minute.advanced(by: -3)
    private static let buckets = [
        Bucket(
            minute: minute, currency: Currency(code: "USD")!,
            value: BucketValue(settled: 7_700, transfers: 7))
    ]

    private static func isLabelled(_ scope: HeadquartersScope) async throws -> Bool {
        let connection = try RawConnection(port: scope.publicPort)
        await connection.send(
            "GET /v1/metrics/money-moved/24h/breakdown HTTP/1.1\r\nHost: a\r\n\r\n")
        let text = try await connection.response().text
        // The process that notices first drops the watermarks; the other one then reports
        // `store_refilling`.
        return text.contains("\"store_loss\"") || text.contains("\"store_refilling\"")
    }

    private static func withReplicas(
        maintenance: Duration,
        _ body: @Sendable @escaping (SendableRedis, [HeadquartersScope]) async throws -> Void
    ) async throws {
        let redis = try RedisProcess()
        try redis.start()
        defer { redis.stop() }
        let rates = try HeadquartersServiceTests.ratesFile(in: redis.folder)
        let topology = HeadquartersScope.topology(redis: redis.socket, ratesFile: rates)
        let configure: @Sendable (inout HeadquartersConfiguration) -> Void = {
            $0.maintenanceInterval = maintenance
        }
        let cli = SendableRedis(redis)
        try await HeadquartersScope.with(topology, configure: configure) { first in
            try await HeadquartersScope.with(topology, configure: configure) { second in
                let pushed = await first.push(base: 0, coverage: 10, buckets: Self.buckets)
                #expect(pushed == .committed)
                for scope in [first, second] {
                    let total = try await scope.total(until: {
                        $0.totalAmount == Self.full && !$0.isDegraded
                    })
                    try #require(total != nil)
                }
                try await body(cli, [first, second])
            }
        }
    }

    @Test func `a lost list of changes and a reconnect do not change the total`()
        async throws
    {
        try await Self.withReplicas(maintenance: .seconds(1)) { cli, scopes in
            try cli.redis.command("DEL", "changes")
            try cli.redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            // Poll until the list is complete again, and once more.
            var isListed = false
            let end = ContinuousClock.now + .seconds(30)
            while !isListed, ContinuousClock.now < end {
                isListed = try cli.redis.command("ZCARD", "changes") == "1"
                _ = await scopes[0].push(base: 10, coverage: 10, buckets: [])
                for scope in scopes {
                    let total = try await scope.total().total
                    #expect(total?.totalAmount == Self.full)
                    let labelled = try await Self.isLabelled(scope)
                    #expect(!labelled)
                }
            }
            #expect(isListed)
        }
    }

    @Test func `a lost hash and a reconnect do not change the total, which is labelled`()
        async throws
    {
        try await Self.withReplicas(maintenance: .seconds(60)) { cli, scopes in
            try cli.redis.command("DEL", "shard:eu-west:main:0:\(Self.minute.number)")
            try cli.redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            // Heartbeats, as from a node, until the reply asks for everything again.
            var isBack = false
            var wasLabelled = false
            let end = ContinuousClock.now + .seconds(30)
            while !(isBack && wasLabelled), ContinuousClock.now < end {
                for scope in scopes {
                    let total = try await scope.total().total
                    #expect(total?.totalAmount == Self.full)
                    if try await Self.isLabelled(scope) { wasLabelled = true }
                }
                let outcome = await scopes[0].push(base: 10, coverage: 10, buckets: [])
                if wasLabelled, outcome == .behind {
                    let sent = await scopes[0].push(base: 0, coverage: 10, buckets: Self.buckets)
                    isBack = sent == .committed
                }
            }
            #expect(wasLabelled)
            #expect(isBack)
            for scope in scopes {
                let total = try await scope.total(until: {
                    $0.totalAmount == Self.full && !$0.isDegraded
                })
                #expect(total != nil)
            }
            let sum = try cli.redis.command("GET", "metric:USD:\(Self.minute.number)")
            #expect(sum == "7700")
        }
    }
}
