import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money
import RedisStore
import Testing

/// HQs with different files on one Redis.
@Suite struct TopologyTests {
    private static let old = Fixture.log
    private static let new = LogID(unchecked: "b")

    private let present = Fixture.now().minute

    private func store(
        _ server: RedisServer, _ generation: Int64, _ logs: [LogID]
    ) throws -> RedisStore {
        try Fixture.store(server) {
            $0.topology = StoreTopology(
                generation: generation,
                logs: [Fixture.eu: logs.map { .init(id: $0) }, Fixture.us: [.init(id: Self.old)]])
        }
    }

    private func delta(_ log: LogID, _ amount: Int64, coverage: Int64 = 5) -> ShardDelta {
        Fixture.delta(
            log: log, base: 0, coverage: coverage, [Fixture.bucket(present, Fixture.usd, amount)])
    }

    private func commit(
        _ store: RedisStore, _ log: LogID, _ amount: Int64, coverage: Int64 = 5,
        partitions: Int32 = 1
    ) async throws -> ShardOutcome? {
        var request = Fixture.request([delta(log, amount, coverage: coverage)])
        request.partitionCounts = [log: partitions]
        return try await store.commit(request, knownLogs: [log: 100], now: Fixture.now())
            .shards.first?.outcome
    }

    private func total(_ refresh: StoreRefresh) -> Int64 {
        Fixture.values(refresh, Fixture.eu).values.map(\.settled).reduce(0, +)
    }

    @Test func `nothing is added to a log that another replica has replaced`() async throws {
        try await RedisServer.with { server in
            let before = try store(server, 1, [Self.old])
            let after = try store(server, 2, [Self.new])
            let reader = try store(server, 1, [Self.old])
            #expect(try await commit(before, Self.old, 100) == .committed)
            var refresh = try await reader.refresh(since: nil, regions: Fixture.regions)
            #expect(!refresh.isTopologyOld)
            #expect(refresh.countedLogs[Fixture.eu] == [Self.old])

            #expect(try await commit(after, Self.new, 70) == .committed)
            let metric = "metric:USD:\(present.number)"
            #expect(try server.cli("GET", metric) == "70")
            // The old replica accepts nothing any more, and reads the logs that the new one counts.
            let refused = await #expect(throws: RedisStoreError.self) {
                try await commit(before, Self.old, 101, coverage: 6)
            }
            #expect(refused?.code == .topologyOld(stored: 2))
            refresh = try await reader.refresh(since: refresh.position, regions: Fixture.regions)
            #expect(refresh.isTopologyOld)
            #expect(refresh.countedLogs[Fixture.eu] == [Self.new])
            #expect(total(refresh) == 70)
            #expect(Set(refresh.standings.keys.map(\.log)) == [Self.new])
            for store in [before, after] {
                _ = try? await store.maintenance(now: Fixture.now())
            }
            #expect(try server.cli("GET", metric) == "70")
            #expect(try server.keys().filter { $0.hasPrefix("shard:eu-west:a") } == [])
            let topology = try server.hash("topology")
            #expect(topology["generation"] == "2")
            #expect(topology["removed:eu-west/a"] != nil)
            // An outdated HQ must not answer nodes' queries either.
            await #expect(throws: RedisStoreError.self) {
                try await before.statuses(
                    region: Fixture.eu, withValues: false, now: Fixture.now())
            }
            for store in [before, after, reader] { await store.stop() }
        }
    }

    @Test func `no reader's sum includes buckets of a log awaiting removal`()
        async throws
    {
        try await RedisServer.with { server in
            let before = try store(server, 1, [Self.old])
            #expect(try await commit(before, Self.old, 100) == .committed)
            // The first query writes the new topology; nothing is removed yet.
            let after = try store(server, 2, [Self.new])
            _ = try await after.statuses(
                region: Fixture.us, withValues: false, now: Fixture.now())
            let refresh = try await after.refresh(since: nil, regions: Fixture.regions)
            #expect(total(refresh) == 0)
            #expect(refresh.standings.isEmpty)
            #expect(try server.cli("GET", "metric:USD:\(present.number)") == "100")
            _ = try await after.maintenance(now: Fixture.now())
            #expect(try server.cli("GET", "metric:USD:\(present.number)") == "0")
            for store in [before, after] { await store.stop() }
        }
    }

    @Test func `of two topologies with one generation the first one applies`() async throws {
        try await RedisServer.with { server in
            let first = try store(server, 1, [Self.old])
            let second = try store(server, 1, [Self.new])
            #expect(try await commit(first, Self.old, 100) == .committed)
            await #expect(throws: RedisStoreError.self) { try await commit(second, Self.new, 70) }
            #expect(try server.cli("GET", "metric:USD:\(present.number)") == "100")
            // Going back requires the old content under a higher generation.
            let third = try store(server, 2, [Self.new])
            let fourth = try store(server, 3, [Self.old])
            #expect(try await commit(third, Self.new, 70) == .committed)
            #expect(try await commit(fourth, Self.old, 100) == .committed)
            #expect(try server.cli("GET", "metric:USD:\(present.number)") == "100")
            #expect(try server.hash("topology")["removed:eu-west/a"] == nil)
            for store in [first, second, third, fourth] { await store.stop() }
        }
    }

    @Test func `a commit in progress does not outlive its topology`() async throws {
        try await RedisServer.with { server in
            let first = try store(server, 1, [Self.old])
            #expect(try await commit(first, Self.old, 100) == .committed)
            // As if another HQ wrote it between two scripts of this one.
            try server.cli("HSET", "topology", "generation", "2", "digest", "x")
            await #expect(throws: RedisStoreError.self) {
                try await commit(first, Self.old, 101, coverage: 6)
            }
            #expect(try server.cli("GET", "metric:USD:\(present.number)") == "100")
            // A lost key is written again.
            try server.cli("DEL", "topology")
            #expect(try await commit(first, Self.old, 101, coverage: 6) == .committed)
            #expect(try server.hash("topology")["generation"] == "1")
            await first.stop()
        }
    }

    @Test func `a large commit with a wrong partition count leaves nothing behind`()
        async throws
    {
        try await RedisServer.with { server in
            let store = try store(server, 1, [Self.old])
            #expect(try await commit(store, Self.old, 100, partitions: 1) == .committed)
            let buckets = (0..<1_440).reversed().flatMap { ago in
                [Fixture.eur, Fixture.usd].map {
                    Fixture.bucket(present.advanced(by: -ago), $0, 7)
                }
            }
            var request = Fixture.request([Fixture.delta(1, base: 0, coverage: 9, buckets)])
            request.partitionCounts = [Self.old: 2]
            let reply = try await store.commit(
                request, knownLogs: [Self.old: 100], now: Fixture.now())
            #expect(reply.shards.map(\.outcome) == [.refused(.store)])
            #expect(try server.keys().filter { $0.hasPrefix("shard:eu-west:a:1:") } == [])
            #expect(try server.hash("liveness:eu-west")["a/1"] == nil)
            #expect(try server.cli("GET", "metric:USD:\(present.number)") == "100")
            await store.stop()
        }
    }

    @Test func `a log keeps the partition count of its first commit`() async throws {
        try await RedisServer.with { server in
            let store = try store(server, 1, [Self.old])
            #expect(try await commit(store, Self.old, 100, partitions: 6) == .committed)
            #expect(try server.hash("topology")["partitions:eu-west/a"] == "6")
            let outcome = try await commit(store, Self.old, 101, coverage: 6, partitions: 12)
            #expect(outcome == .refused(.store))
            #expect(store.partitions(of: Fixture.eu) == [Self.old: 6])
            #expect(try server.cli("GET", "metric:USD:\(present.number)") == "100")
            #expect(
                try await commit(store, Self.old, 101, coverage: 6, partitions: 6) == .committed)
            await store.stop()
        }
    }
}
