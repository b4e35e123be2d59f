import CivilTime
import DeltaClient
import DeltaProtocol
import Foundation
import HTTPTestSupport
import HeadquartersService
import Identifiers
import Money
import Testing
import Topology

/// Two replicas on one Redis, one of them with an older topology.
@Suite struct TopologyReplicasTests {
    private static let next = LogID("next")!
    private static let minute = HeadquartersScope.now.minute.advanced(by: -3)

    private static func push(
        _ scope: HeadquartersScope, _ log: LogID, cents: Int64, partitions: Int32 = 1
    ) async -> ShardOutcome? {
        let now = HeadquartersScope.now
        let answer = await scope.client.push(
            DeltaRequest(
                foldVersion: FoldVersion(rules: 2, settings: 1, digest: 1),
                region: HeadquartersScope.eu, node: "n1", sentAt: now,
                partitionCounts: [log: partitions],
                shards: [
                    ShardDelta(
                        log: log, partition: 0, base: 0, coverage: 10,
                        claims: Claims(from: Minute(0)),
                        observedThrough: now,
                        buckets: [
                            Bucket(
                                minute: minute, currency: Currency(code: "USD")!,
                                value: BucketValue(settled: cents, transfers: 7))
                        ])
                ]))
        guard case .answered(let reply) = answer else { return nil }
        return reply.shards.first?.outcome
    }

    private static func breakdown(_ scope: HeadquartersScope) async throws -> String {
        let connection = try RawConnection(port: scope.publicPort)
        await connection.send(
            "GET /v1/metrics/money-moved/24h/breakdown HTTP/1.1\r\nHost: a\r\n\r\n")
        return try await connection.response().text
    }

    @Test func `a log that one replica replaced is ignored by the other`() async throws {
        let redis = try RedisProcess()
        try redis.start()
        defer { redis.stop() }
        let rates = try HeadquartersServiceTests.ratesFile(in: redis.folder)
        let old = HeadquartersScope.topology(redis: redis.socket, ratesFile: rates)
        var new = old
        new.generation = 2
        new.regions[0].logs.append(
            RegionLog(id: Self.next, relation: .replaces(HeadquartersScope.log)))
        let later = new
        try await HeadquartersScope.with(old) { first in
            let begun = await Self.push(first, HeadquartersScope.log, cents: 10_000)
            #expect(begun == .committed)
            let before = try await first.total(until: { $0.totalAmount == Decimal(100) })
            try #require(before != nil)
            try await HeadquartersScope.with(later) { second in
                let replaced = await Self.push(second, Self.next, cents: 7_000)
                #expect(replaced == .committed)
                // The old one answers 503, which is not a reply to a push.
                let refused = await Self.push(first, HeadquartersScope.log, cents: 10_100)
                #expect(refused == nil)
                for scope in [first, second] {
                    var totals: Set<Decimal> = []
                    let total = try await scope.total(until: {
                        totals.insert($0.totalAmount)
                        return $0.totalAmount == Decimal(70)
                    })
                    try #require(total != nil)
                    #expect(totals.isSubset(of: [100, 70]))
                }
                let text = try await Self.breakdown(first)
                #expect(text.contains("\"topology_old\""))
                let current = try await second.total(until: { !$0.isDegraded })
                #expect(current?.totalAmount == Decimal(70))
                // More partitions under one log id would count repeats twice.
                var outcome = await Self.push(second, Self.next, cents: 8_000, partitions: 2)
                #expect(outcome == .refused(.store))
                outcome = await Self.push(second, Self.next, cents: 8_000, partitions: 2)
                #expect(outcome == .refused(.partitionCount))
            }
        }
    }
}
