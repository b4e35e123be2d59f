import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money
import RedisStore
import Testing

/// A log that another one replaces is removed before anything of the new one is added.
@Suite struct RemovalTests {
    private static let old = Fixture.log
    private static let new = LogID(unchecked: "b")

    private let present = Fixture.now().minute

    /// Fills two shards of the old log, and a shard of another region with a log of the same name.
    private func fill(_ server: RedisServer) async throws {
        let store = try Fixture.store(server)
        let before = present.advanced(by: -1)
        _ = try await Fixture.commit(
            store,
            (0..<2 as Range<Int32>).map {
                Fixture.delta(
                    $0, base: 0, coverage: 5,
                    [
                        Fixture.bucket(before, Fixture.usd, 10, 2, -1),
                        Fixture.bucket(present, Fixture.eur, 20),
                    ], late: [Fixture.bucket(present, Fixture.usd, 7)])
            })
        _ = try await Fixture.commit(
            store, [Fixture.delta(base: 0, coverage: 5, [Fixture.bucket(present, Fixture.eur, 3)])],
            region: Fixture.us)
        await store.stop()
    }

    private func store(_ server: RedisServer) throws -> RedisStore {
        try Fixture.store(server) {
            $0.topology = StoreTopology(
                generation: 1, logs: [Fixture.eu: [.init(id: Self.new)]])
        }
    }

    private func isGone(_ server: RedisServer) throws -> Bool {
        try server.keys().filter { $0.contains("eu-west:a:") } == []
            && server.hash("watermark:eu-west").keys.filter { $0.hasPrefix("a/") } == []
            && server.hash("liveness:eu-west").keys.filter { $0.hasPrefix("a/") } == []
    }

    @Test func `nothing of the old log is left at the first commit of the new one`() async throws {
        try await RedisServer.with { server in
            try await fill(server)
            let store = try store(server)
            let before = present.advanced(by: -1)
            let position = try await store.refresh(since: nil, regions: Fixture.regions).position
            let request = Fixture.request([
                Fixture.delta(
                    log: Self.new, base: 0, coverage: 9, [Fixture.bucket(present, Fixture.eur, 21)])
            ])
            let reply = try await store.commit(
                request, knownLogs: [Self.new: 1], now: Fixture.now())
            #expect(reply.shards.map(\.outcome) == [.committed])
            #expect(try isGone(server))
            #expect(try server.cli("GET", "metric:EUR:\(present.number)") == "24")
            #expect(try server.cli("GET", "transfers:EUR:\(present.number)") == "2")
            #expect(try server.cli("GET", "metric:USD:\(before.number)") == "0")
            #expect(try server.cli("GET", "transfers:USD:\(before.number)") == "0")
            // Readers are notified.
            let refresh = try await store.refresh(since: position, regions: Fixture.regions)
            #expect(
                Fixture.values(refresh, Fixture.eu) == [
                    .init(minute: present, currency: Fixture.eur): .init(settled: 21, transfers: 1)
                ])
            #expect(
                refresh.standings.keys.filter { $0.region == Fixture.eu }.map(\.log) == [Self.new])
            let done = try await store.maintenance(now: Fixture.now())
            #expect(done.repairedKeys == 0)
            #expect(done.droppedWatermarks == 0)
            await store.stop()
        }
    }

    @Test(arguments: [-40, 40])
    func `nothing of it is left even if the clock of HQ is wrong`(hours: Int64) async throws {
        try await RedisServer.with { server in
            try await fill(server)
            let store = try store(server)
            let wrong = UnixTime(milliseconds: Fixture.now().milliseconds + hours * 3_600_000)
            _ = try await store.maintenance(now: wrong)
            #expect(try isGone(server))
            #expect(try server.cli("GET", "metric:EUR:\(present.number)") == "3")
            await store.stop()
        }
    }

    @Test func `maintenance removes it too, including dropped and torn shards`() async throws {
        try await RedisServer.with { server in
            try await fill(server)
            try server.cli("HDEL", "watermark:eu-west", "a/0")
            try server.cli("HSET", "liveness:eu-west", "a/1", "torn x")
            try server.cli("SET", "metric:EUR:\(present.number)", "999")
            let store = try store(server)
            _ = try await store.maintenance(now: Fixture.now())
            #expect(try isGone(server))
            #expect(try server.cli("GET", "metric:EUR:\(present.number)") == "3")
            #expect(try server.cli("GET", "transfers:EUR:\(present.number)") == "1")
            #expect(try server.hash("watermark:us-east").keys.sorted() == ["a/0"])
            await store.stop()
        }
    }
}
