import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money
import RedisStore
import Testing

@Suite struct FaultTests {
    private let present = Fixture.now().minute

    @Test func `a script that Redis forgot is loaded again`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            _ = try await Fixture.commit(store, [Fixture.delta(base: 0, coverage: 1)])
            let loads = store.counters.scriptLoads
            try server.cli("SCRIPT", "FLUSH")
            let replies = try await Fixture.commit(store, [Fixture.delta(base: 1, coverage: 2)])
            #expect(replies.map(\.outcome) == [.committed])
            #expect(store.counters.scriptLoads > loads)
            await store.stop()
        }
    }

    @Test func `a script that fails midway at a sum is repaired and retried`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let m = present
            let before = present.advanced(by: -1)
            _ = try await Fixture.commit(
                store,
                [
                    Fixture.delta(
                        base: 0, coverage: 1,
                        [
                            Fixture.bucket(before, Fixture.eur, 10),
                            Fixture.bucket(before, Fixture.usd, 20),
                        ])
                ])
            let position = try await store.refresh(since: nil, regions: Fixture.regions).position
            // The hashes and EUR's sum of the earlier minute are written before this one fails.
            try server.cli("DEL", "metric:USD:\(before.number)")
            try server.cli("SADD", "metric:USD:\(before.number)", "damage")
            let replies = try await Fixture.commit(
                store,
                [
                    Fixture.delta(
                        base: 1, coverage: 2,
                        [
                            Fixture.bucket(before, Fixture.eur, 11),
                            Fixture.bucket(before, Fixture.usd, 22),
                            Fixture.bucket(m, Fixture.usd, 5),
                        ])
                ])
            #expect(replies.map(\.outcome) == [.committed])
            #expect(replies.map(\.watermark) == [2])
            for (key, value) in [
                ("metric:EUR:\(before.number)", "11"), ("metric:USD:\(before.number)", "22"),
                ("transfers:USD:\(before.number)", "1"), ("metric:USD:\(m.number)", "5"),
                ("transfers:EUR:\(before.number)", "1"), ("transfers:USD:\(m.number)", "1"),
            ] {
                #expect(try server.cli("GET", key) == value, "\(key)")
            }
            #expect(
                try server.cli("EXPIRETIME", "metric:USD:\(before.number)")
                    == String(Int64(before.number) * 60 + 25 * 3_600))
            let counters = store.counters
            #expect(counters.failedScripts == 1)
            // Two minutes, once for the failed writer and once because the shard was found torn.
            #expect(counters.repairs == 4)
            #expect(counters.repairedKeys > 0)
            #expect(counters.droppedWatermarks == 0)
            // Readers see the effects of the failed script.
            let refresh = try await store.refresh(since: position, regions: Fixture.regions)
            #expect(
                Fixture.values(refresh, Fixture.eu) == [
                    .init(minute: before, currency: Fixture.eur): .init(settled: 11, transfers: 1),
                    .init(minute: before, currency: Fixture.usd): .init(settled: 22, transfers: 1),
                    .init(minute: m, currency: Fixture.usd): .init(settled: 5, transfers: 1),
                ])
            await store.stop()
        }
    }

    @Test func `a failed commit of a whole shard lists no empty minute`()
        async throws
    {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let m = present
            let before = present.advanced(by: -1)
            let other = [Fixture.delta(base: 0, coverage: 9, [Fixture.bucket(m, Fixture.eur, 70)])]
            _ = try await Fixture.commit(store, other, region: Fixture.us)
            // The script fails at the later minute's sum, and would fail again until it is
            // repaired.
            try server.cli("SADD", "metric:USD:\(m.number)", "damage")
            let whole = [Fixture.bucket(before, Fixture.usd, 3), Fixture.bucket(m, Fixture.usd, 4)]
            let shards = (0..<3 as Range<Int32>).map {
                Fixture.delta($0, base: 0, coverage: 1, whole)
            }
            let replies = try await Fixture.commit(store, shards)
            #expect(replies.map(\.outcome) == [.committed, .committed, .committed])
            #expect(store.counters.failedScripts == 1)
            // All minutes that the three may have touched are repaired once, not once for each.
            #expect(store.counters.repairs < 2 * Limits.retainedMinutes)
            #expect(
                try server.cli("ZRANGE", "changes", "0", "-1").split(separator: "\n").sorted()
                    == ["\(before.number)", "\(m.number)"])
            for minutes in [0, 1, 61] as [Int64] {
                let done = try await store.maintenance(now: Fixture.now() + minutes * 60_000)
                #expect(done.droppedWatermarks == 0)
                #expect(done.repairedKeys == 0)
            }
            await store.stop()
        }
    }

    @Test func `only the torn shard is dropped, not the same partition of another log`()
        async throws
    {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let other = LogID(unchecked: "b")
            _ = try await Fixture.commit(
                store,
                [
                    Fixture.delta(base: 0, coverage: 1), Fixture.delta(1, base: 0, coverage: 1),
                    Fixture.delta(log: other, base: 0, coverage: 1),
                ])
            try server.cli("HSET", "liveness:eu-west", "a/0", "torn x")
            let statuses = try await store.statuses(
                region: Fixture.eu, partition: 0, withValues: true, now: Fixture.now())
            #expect(statuses.map(\.log) == [other])
            #expect(try server.hash("watermark:eu-west").keys.sorted() == ["a/1", "b/0"])
            #expect(store.counters.droppedWatermarks == 1)
            await store.stop()
        }
    }

    @Test func `a shard that Redis rejects is refused with the stored watermark`()
        async throws
    {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let completeFrom = present.advanced(by: -20)
            _ = try await Fixture.commit(
                store, [Fixture.delta(base: 0, coverage: 4, completeFrom: completeFrom)])
            // Every attempt fails at writing its first hash and is repaired.
            try server.cli("ACL", "SETUSER", "default", "-hset")
            let replies = try await Fixture.commit(
                store,
                [Fixture.delta(base: 4, coverage: 5, [Fixture.bucket(present, Fixture.usd, 1)])])
            #expect(replies.map(\.outcome) == [.refused(.store)])
            #expect(replies.map(\.watermark) == [4])
            #expect(replies.map(\.claims) == [Claims(from: completeFrom)])
            try server.cli("ACL", "SETUSER", "default", "+hset")
            let next = try await Fixture.commit(
                store,
                [Fixture.delta(base: 4, coverage: 5, [Fixture.bucket(present, Fixture.usd, 1)])])
            #expect(next.map(\.outcome) == [.committed])
            await store.stop()
        }
    }

    @Test func `the values of a torn commit are never used as a seed`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let other = try Fixture.store(server)
            let m = present
            let first = [Fixture.bucket(m, Fixture.usd, 1)]
            _ = try await Fixture.commit(store, [Fixture.delta(base: 0, coverage: 1, first)])
            // Listing changes is impossible: every attempt fails after sums are written.
            try server.cli("DEL", "changes")
            try server.cli("SET", "changes", "damage")
            let second = [Fixture.bucket(m, Fixture.usd, 2, 2)]
            await #expect(throws: RedisStoreError.self) {
                try await Fixture.commit(store, [Fixture.delta(base: 1, coverage: 2, second)])
            }
            #expect(try server.hash("shard:eu-west:a:0:\(m.number)") == ["USD": "2:2:0"])
            #expect(try server.hash("watermark:eu-west")["a/0"]?.hasPrefix("1 ") == true)
            let statuses = try await other.statuses(
                region: Fixture.eu, withValues: true, now: Fixture.now())
            #expect(statuses == [])
            #expect(other.counters.droppedWatermarks == 1)
            // After the damage is removed, the shard is refilled and exact.
            try server.cli("DEL", "changes")
            let behind = try await Fixture.commit(
                store, [Fixture.delta(base: 1, coverage: 2, second)])
            #expect(behind.map(\.outcome) == [.behind])
            let whole = try await Fixture.commit(
                store, [Fixture.delta(base: 0, coverage: 2, second)])
            #expect(whole.map(\.outcome) == [.committed])
            #expect(try server.cli("GET", "metric:USD:\(m.number)") == "2")
            #expect(try server.cli("GET", "transfers:USD:\(m.number)") == "2")
            await store.stop()
            await other.stop()
        }
    }

    @Test func `a wiped store is refilled exactly from base 0`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let m = present
            let one = [Fixture.bucket(m, Fixture.usd, 5)]
            _ = try await Fixture.commit(store, [Fixture.delta(base: 0, coverage: 1, one)])
            let id = try server.hash("store")["id"]
            try server.cli("FLUSHALL")
            let two = [Fixture.bucket(m, Fixture.usd, 6, 2)]
            let behind = try await Fixture.commit(
                store, [Fixture.delta(base: 1, coverage: 2, two)])
            #expect(behind.map(\.outcome) == [.behind])
            #expect(behind.map(\.watermark) == [0])
            #expect(try server.keys() == [])
            _ = try await Fixture.commit(store, [Fixture.delta(base: 0, coverage: 2, two)])
            #expect(try server.cli("GET", "metric:USD:\(m.number)") == "6")
            #expect(try server.cli("GET", "transfers:USD:\(m.number)") == "2")
            let state = try server.hash("store")
            #expect(state["version"] == "1")
            #expect(state["id"] != id)
            await store.stop()
        }
    }

    @Test func `a shard without its watermark is refilled over its hashes`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let m = present
            let before = present.advanced(by: -1)
            _ = try await Fixture.commit(
                store,
                (0..<2 as Range<Int32>).map {
                    Fixture.delta(
                        $0, base: 0, coverage: 5,
                        [Fixture.bucket(before, Fixture.usd, 1), Fixture.bucket(m, Fixture.usd, 2)])
                })
            #expect(try await store.dropWatermarks(region: Fixture.eu, partition: 1) == 1)
            #expect(try await store.dropWatermarks(region: Fixture.eu, partition: 7) == 0)
            #expect(try server.hash("watermark:eu-west").keys.sorted() == ["a/0"])
            // Its hashes count until they are replaced, so that no total dips meanwhile.
            let refresh = try await store.refresh(since: nil, regions: Fixture.regions)
            #expect(
                Fixture.values(refresh, Fixture.eu)[.init(minute: m, currency: Fixture.usd)]
                    == BucketValue(settled: 4, transfers: 2))
            #expect(refresh.standings.count == 1)
            _ = try await Fixture.commit(
                store,
                [Fixture.delta(1, base: 0, coverage: 6, [Fixture.bucket(m, Fixture.usd, 3)])])
            #expect(try server.cli("GET", "metric:USD:\(before.number)") == "1")
            #expect(try server.cli("GET", "metric:USD:\(m.number)") == "5")
            #expect(try await store.dropWatermarks(region: Fixture.eu) == 2)
            #expect(store.counters.droppedWatermarks == 3)
            await store.stop()
        }
    }

    @Test func `after a kill and restart of Redis the store reads everything`() async throws {
        try await RedisServer.with(port: RedisServer.freePort()) { server in
            let store = try Fixture.store(server) {
                $0.endpoint = .tcp(host: "localhost", port: server.port)
                $0.reconnectDelayMax = .milliseconds(100)
            }
            let m = present
            _ = try await Fixture.commit(
                store, [Fixture.delta(base: 0, coverage: 1, [Fixture.bucket(m, Fixture.usd, 5)])])
            let before = try await store.refresh(since: nil, regions: Fixture.regions)
            // Writes older than a second are on disk.
            try server.cli("BGREWRITEAOF")
            try await condition {
                try server.cli("INFO", "persistence").contains(
                    "aof_rewrite_in_progress:0")
            }
            server.kill()
            await #expect(throws: RedisStoreError.self) {
                try await Fixture.commit(store, [Fixture.delta(base: 1, coverage: 2)])
            }
            let refused = await #expect(throws: RedisStoreError.self) {
                try await Fixture.commit(store, [Fixture.delta(base: 1, coverage: 2)])
            }
            #expect(refused?.code == .unavailable)
            try server.start()
            var replies: [ShardReply] = []
            try await condition {
                replies =
                    (try? await Fixture.commit(
                        store,
                        [Fixture.delta(base: 1, coverage: 2, [Fixture.bucket(m, Fixture.usd, 7)])]))
                    ?? []
                return !replies.isEmpty
            }
            #expect(replies.map(\.outcome) == [.committed])
            #expect(try server.cli("GET", "metric:USD:\(m.number)") == "7")
            #expect(store.counters.reconnects == 1)
            let after = try await store.refresh(since: before.position, regions: Fixture.regions)
            #expect(after.isFull)
            #expect(after.position.storeID == before.position.storeID)
            let next = try await store.refresh(since: after.position, regions: Fixture.regions)
            #expect(!next.isFull)
            await store.stop()
            let stopped = await #expect(throws: RedisStoreError.self) {
                try await store.refresh(since: nil, regions: Fixture.regions)
            }
            #expect(stopped?.code == .stopped)
        }
    }

    @Test func `an idle connection closed by Redis does not fail a push`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            _ = try await Fixture.commit(store, [Fixture.delta(base: 0, coverage: 1)])
            try server.cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            let replies = try await Fixture.commit(store, [Fixture.delta(base: 1, coverage: 2)])
            #expect(replies.map(\.outcome) == [.committed])
            #expect(store.counters.reconnects == 1)
            await store.stop()
        }
    }

    @Test
    func `a hanging Redis causes a timeout, and nothing is lost or doubled`()
        async throws
    {
        try await RedisServer.with { server in
            let store = try Fixture.store(server) { $0.commandTimeout = .milliseconds(150) }
            let m = present
            var failures = 0
            var coverage: Int64 = 0
            var hangs = 0
            while coverage < 400 {
                if coverage % 80 == 40, hangs * 80 < coverage {
                    hangs += 1
                    // Some writes are delayed, and may be executed after their timeout.
                    try server.cli("CLIENT", "PAUSE", "400", "WRITE")
                }
                let next = coverage + 1
                let delta = Fixture.delta(
                    base: coverage, coverage: next, [Fixture.bucket(m, Fixture.usd, next * 3, next)]
                )
                do {
                    let reply = try #require(try await Fixture.commit(store, [delta]).first)
                    #expect(reply.outcome == .committed)
                    coverage = reply.watermark
                } catch let error as RedisStoreError {
                    #expect(error.isRetriable)
                    failures += 1
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            #expect(failures >= hangs)
            #expect(hangs == 5)
            #expect(try server.cli("GET", "metric:USD:\(m.number)") == "1200")
            #expect(try server.cli("GET", "transfers:USD:\(m.number)") == "400")
            await store.stop()
        }
    }

    /// Waits until `holds`, at most 20 s.
    private func condition(_ holds: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(20)
        while try await !holds() {
            try #require(ContinuousClock.now < end, "the condition was not met in time")
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
