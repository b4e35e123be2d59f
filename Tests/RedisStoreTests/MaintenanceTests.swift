import CivilTime
import DeltaProtocol
import Federation
import Money
import RedisStore
import Testing
import Topology

@Suite struct MaintenanceTests {
    private let present = Fixture.now().minute

    /// Two shards in two regions with a bucket each in two minutes, and a third without any.
    private func fill(_ store: RedisStore) async throws {
        let before = present.advanced(by: -1)
        for region in Fixture.regions {
            _ = try await Fixture.commit(
                store,
                [
                    Fixture.delta(
                        0, base: 0, coverage: 5,
                        [
                            Fixture.bucket(before, Fixture.usd, 10),
                            Fixture.bucket(present, Fixture.eur, 20),
                        ]),
                    Fixture.delta(1, base: 0, coverage: 5),
                ], region: region)
        }
    }

    @Test func `a sound store is left alone`() async throws {
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
    func `a key that vanished is noticed within a minute and healed`(prefix: String) async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            try await fill(store)
            _ = try await store.maintenance(now: Fixture.now())
            try server.cli("DEL", "\(prefix)\(present.number)")
            let done = try await store.maintenance(now: Fixture.now() + 60_000)
            #expect(done.verifiedMinutes == 1)
            #expect(done.repairedKeys == 2)
            // The shards that have no hash in that minute may have lost one.
            let isHash = prefix.hasPrefix("shard")
            #expect(done.droppedWatermarks == (isHash ? 3 : 2))
            #expect(
                try server.hash("watermark:eu-west").keys.sorted() == (isHash ? [] : ["a/0"]))
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
            try await fill(store)
            #expect(try server.cli("GET", "metric:EUR:\(present.number)") == "40")
            await store.stop()
        }
    }

    @Test func `a sum that was changed by others is set right`() async throws {
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
