import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money
import RedisStore
import Testing

/// Lost keys: what readers see, and how shards are refilled.
@Suite struct LossTests {
    private let present = Fixture.now().minute

    private func fill(_ store: RedisStore, coverage: Int64 = 5) async throws {
        for region in Fixture.regions {
            _ = try await Fixture.commit(
                store,
                [
                    Fixture.delta(
                        0, base: 0, coverage: coverage,
                        [
                            Fixture.bucket(present.advanced(by: -1), Fixture.usd, 10),
                            Fixture.bucket(present, Fixture.eur, 20),
                        ]),
                    Fixture.delta(
                        1, base: 0, coverage: coverage,
                        [Fixture.bucket(present, Fixture.eur, 300)]),
                ], region: region)
        }
    }

    private var whole: [Fixture.Place: BucketValue] {
        [
            .init(minute: present.advanced(by: -1), currency: Fixture.usd): .init(
                settled: 10, transfers: 1),
            .init(minute: present, currency: Fixture.eur): .init(settled: 320, transfers: 2),
        ]
    }

    private func reconnect(_ server: RedisServer) throws {
        try server.cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    }

    @Test func `a full view includes every stored minute, listed or not`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            try await fill(store)
            let first = try await store.refresh(since: nil, regions: Fixture.regions)
            #expect(first.changedAt == [present.advanced(by: -1): 2, present: 2])
            #expect(first.retainedFrom == present.advanced(by: -1_499))
            try server.cli("DEL", "changes")
            try reconnect(server)
            let full = try await store.refresh(since: first.position, regions: Fixture.regions)
            #expect(full.isFull)
            #expect(full.changedAt.isEmpty)
            for region in Fixture.regions { #expect(Fixture.values(full, region) == whole) }
            await store.stop()
        }
    }

    @Test func `a list that has lost its last member is not used until it is complete`()
        async throws
    {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            try await fill(store)
            _ = try await store.maintenance(now: Fixture.now())
            let first = try await store.refresh(since: nil, regions: Fixture.regions)
            // A change that no reader has seen is no longer listed.
            _ = try await Fixture.commit(
                store,
                [
                    Fixture.delta(
                        0, base: 5, coverage: 6,
                        [Fixture.bucket(present.advanced(by: -1), Fixture.usd, 11)])
                ])
            try server.cli("DEL", "changes")
            let missed = try await store.refresh(since: first.position, regions: Fixture.regions)
            #expect(missed.isFull)
            // A later commit does not make the list complete.
            _ = try await Fixture.commit(
                store,
                [Fixture.delta(1, base: 5, coverage: 6, [Fixture.bucket(present, Fixture.usd, 1)])])
            let later = try await store.refresh(since: missed.position, regions: Fixture.regions)
            #expect(later.isFull)
            let place = Fixture.Place(minute: present.advanced(by: -1), currency: Fixture.usd)
            #expect(Fixture.values(later, Fixture.eu)[place]?.settled == 11)
            let done = try await store.maintenance(now: Fixture.now() + 60_000)
            #expect(done.droppedWatermarks == 0)
            let next = try await store.refresh(since: later.position, regions: Fixture.regions)
            #expect(!next.isFull)
            #expect(Set(next.minutes.map(\.minute)) == [present.advanced(by: -1)])
            await store.stop()
        }
    }

    @Test func `a minute with only late money does not count as a loss`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            try await fill(store)
            let minute = present.advanced(by: -700)
            _ = try await Fixture.commit(
                store,
                [
                    Fixture.delta(
                        0, base: 5, coverage: 6, late: [Fixture.bucket(minute, Fixture.eur, 21)])
                ])
            for round in 0..<3 {
                let done = try await store.maintenance(
                    now: Fixture.now() + Int64(round) * 60_000)
                #expect(done.droppedWatermarks == 0)
                #expect(done.repairedKeys == 0)
            }
            #expect(try server.cli("ZSCORE", "changes", "\(minute.number)") != "")
            // If its late money vanishes too, nothing is left, and the shards are refilled.
            try server.cli("DEL", "late:eu-west:a:0:\(minute.number)")
            let done = try await store.maintenance(now: Fixture.now() + 180_000)
            #expect(done.droppedWatermarks > 0)
            await store.stop()
        }
    }

    @Test func `a hash that vanishes from a changing minute is still noticed`()
        async throws
    {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            try await fill(store)
            _ = try await store.maintenance(now: Fixture.now())
            try server.cli("DEL", "shard:eu-west:a:1:\(present.number)")
            _ = try await Fixture.commit(
                store,
                [Fixture.delta(0, base: 5, coverage: 6, [Fixture.bucket(present, Fixture.eur, 21)])]
            )
            let done = try await store.maintenance(now: Fixture.now() + 60_000)
            // Either shard may have lost its hash: a later commit creates a new one.
            #expect(done.droppedWatermarks == 2)
            #expect(try server.hash("watermark:eu-west").isEmpty)
            #expect(try server.hash("watermark:us-east").keys.sorted() == ["a/0", "a/1"])
            try await fill(store, coverage: 7)
            #expect(try server.cli("GET", "metric:EUR:\(present.number)") == "640")
            #expect(try await store.maintenance(now: Fixture.now() + 120_000).repairedKeys == 0)
            await store.stop()
        }
    }

    @Test func `values that a reader misses are refilled, and the sums are right`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            try await fill(store)
            try server.cli("DEL", "shard:eu-west:a:1:\(present.number)")
            let done = try await store.refill(Fixture.eu, minutes: [present])
            #expect(done.droppedWatermarks == 2)
            #expect(try server.cli("EXISTS", "watermark:eu-west") == "0")
            try await fill(store)
            #expect(try server.cli("GET", "metric:EUR:\(present.number)") == "640")
            #expect(try server.cli("GET", "transfers:EUR:\(present.number)") == "4")
            await store.stop()
        }
    }

    @Test func `a refresh reports whether Redis may evict keys`() async throws {
        try await RedisServer.with { server in
            try server.cli("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
            let store = try Fixture.store(server)
            let first = try await store.refresh(since: nil, regions: Fixture.regions)
            #expect(first.mayEvict)
            #expect(store.counters.evictionAlarms == 1)
            try server.cli("CONFIG", "SET", "maxmemory-policy", "noeviction")
            try reconnect(server)
            let second = try await store.refresh(since: nil, regions: Fixture.regions)
            #expect(!second.mayEvict)
            #expect(store.counters.evictionAlarms == 1)
            await store.stop()
        }
    }
}
