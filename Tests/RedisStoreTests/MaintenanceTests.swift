import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money
import RedisStore
import Testing

@Suite struct MaintenanceTests {
    private let present = Fixture.now().minute

    /// Two shards in two regions with a bucket each in two minutes, and a third without any.
    private func fill(_ store: RedisStore, onlyEarlier: Bool = false) async throws {
        let before = present.advanced(by: -1)
        let coverage: Int64 = onlyEarlier ? 4 : 5
        var buckets = [Fixture.bucket(before, Fixture.usd, 10)]
        if !onlyEarlier { buckets.append(Fixture.bucket(present, Fixture.eur, 20)) }
        for region in Fixture.regions {
            _ = try await Fixture.commit(
                store,
                [
                    Fixture.delta(0, base: 0, coverage: coverage, buckets),
                    Fixture.delta(1, base: 0, coverage: coverage),
                ], region: region)
        }
    }

    @Test func `maintenance does not change a healthy store`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            try await fill(store)
            let first = try await store.maintenance(now: Fixture.now())
            #expect(first.verifiedMinutes >= 1_500)
            let version = try server.hash("store")["version"]
            let second = try await store.maintenance(now: Fixture.now() + 60_000)
            #expect(second.verifiedMinutes == 0)
            let third = try await store.maintenance(now: Fixture.now() + 3_660_000)
            #expect(third.verifiedMinutes >= 1_500)
            for done in [first, second, third] {
                #expect(done.repairedKeys == 0)
                #expect(done.droppedWatermarks == 0)
            }
            #expect(try server.hash("store")["version"] == version)
            await store.stop()
        }
    }

    @Test(arguments: ["shard:eu-west:a:0:", "metric:EUR:", "transfers:EUR:"])
    func `a vanished key is noticed within a minute and restored`(prefix: String) async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            try await fill(store)
            _ = try await store.maintenance(now: Fixture.now())
            try server.cli("DEL", "\(prefix)\(present.number)")
            let done = try await store.maintenance(now: Fixture.now() + 60_000)
            #expect(done.verifiedMinutes == 1)
            #expect(done.repairedKeys == 2)
            // The region's shards without a hash in that minute may have lost one; a missing sum is
            // recomputed from the hashes.
            let isHash = prefix.hasPrefix("shard")
            #expect(done.droppedWatermarks == (isHash ? 2 : 0))
            let both = ["a/0", "a/1"]
            #expect(
                try server.hash("watermark:eu-west").keys.sorted() == (isHash ? [] : both))
            #expect(try server.hash("watermark:us-east").keys.sorted() == both)
            #expect(
                try server.cli("GET", "metric:EUR:\(present.number)") == (isHash ? "20" : "40"))
            try await fill(store)
            #expect(try server.cli("GET", "metric:EUR:\(present.number)") == "40")
            #expect(try server.cli("GET", "transfers:EUR:\(present.number)") == "2")
            let last = try await store.maintenance(now: Fixture.now() + 3_660_000)
            #expect(last.repairedKeys == 0)
            #expect(last.droppedWatermarks == 0)
            await store.stop()
        }
    }

    @Test func `a minute that lost all its keys drops every watermark`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            try await fill(store)
            for key in try server.keys() where key.hasSuffix(":\(present.number)") {
                try server.cli("DEL", key)
            }
            let done = try await store.maintenance(now: Fixture.now())
            #expect(done.droppedWatermarks == 4)
            // Reported once, not every minute until a node refills it.
            try await fill(store, onlyEarlier: true)
            for minutes in [1, 2, 61] as [Int64] {
                let next = try await store.maintenance(now: Fixture.now() + minutes * 60_000)
                #expect(next.droppedWatermarks == 0)
            }
            try await fill(store)
            #expect(try server.cli("GET", "metric:EUR:\(present.number)") == "40")
            await store.stop()
        }
    }

    @Test func `a lost hash drops no watermark of a log that is no longer read`() async throws {
        try await RedisServer.with { server in
            let earlier = LogID(unchecked: "b")
            let store = try Fixture.store(server) { $0.earlierLogs = [Fixture.eu: [earlier]] }
            try await fill(store)
            _ = try await Fixture.commit(store, [Fixture.delta(log: earlier, base: 0, coverage: 7)])
            for key in try server.keys() where key.hasSuffix(":\(present.number)") {
                try server.cli("DEL", key)
            }
            let done = try await store.maintenance(now: Fixture.now())
            #expect(done.droppedWatermarks == 4)
            #expect(try server.hash("watermark:eu-west").keys.sorted() == ["b/0"])
            #expect(try await store.dropWatermarks(region: Fixture.eu) == 0)
            #expect(try server.hash("watermark:eu-west").keys.sorted() == ["b/0"])
            await store.stop()
        }
    }

    @Test func `a sum that another client changed is corrected`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            try await fill(store)
            try server.cli("INCRBY", "metric:EUR:\(present.number)", "1")
            try server.cli("SET", "metric:USD:\(present.number)", "7")
            let done = try await store.verify([present])
            #expect(done.verifiedMinutes == 1)
            #expect(done.repairedKeys == 4)
            #expect(try server.cli("GET", "metric:EUR:\(present.number)") == "40")
            #expect(try server.cli("GET", "metric:USD:\(present.number)") == "0")
            // The sums exceed the shards, just as if a shard had lost its hash.
            #expect(done.droppedWatermarks == 4)
            #expect(
                try server.cli("EXPIRETIME", "metric:USD:\(present.number)")
                    == String(Int64(present.number) * 60 + 25 * 3_600))
            await store.stop()
        }
    }

    @Test func `minutes that expired leave the list of changes`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            try await fill(store)
            let gone = present.advanced(by: -1_501)
            try server.cli("ZADD", "changes", "1", String(gone.number), "1", "x")
            let done = try await store.maintenance(now: Fixture.now())
            #expect(done.droppedWatermarks == 0)
            #expect(
                try server.cli("ZRANGE", "changes", "0", "-1")
                    == "\(present.number - 1)\n\(present.number)")
            await store.stop()
        }
    }

    @Test func `a minute that is not listed is listed again`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            try await fill(store)
            let position = try await store.refresh(since: nil, regions: Fixture.regions).position
            try server.cli("DEL", "changes")
            let done = try await store.maintenance(now: Fixture.now())
            #expect(done.repairedKeys == 0)
            #expect(done.droppedWatermarks == 0)
            let refresh = try await store.refresh(since: position, regions: Fixture.regions)
            #expect(refresh.minutes.count == 4)
            await store.stop()
        }
    }
}
