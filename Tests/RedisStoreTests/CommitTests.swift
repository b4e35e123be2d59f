import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Logging
import Money
import RedisStore
import Testing

@Suite struct CommitTests {
    private let present = Fixture.now().minute

    @Test func `the store holds exactly the key families of the contract`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let old = present.advanced(by: -3)
            let late = present.advanced(by: -1)
            let replies = try await Fixture.commit(
                store,
                [
                    Fixture.delta(
                        0, base: 0, coverage: 10,
                        [
                            Fixture.bucket(old, Fixture.eur, 500, 2, -100),
                            Fixture.bucket(old, Fixture.usd, 7, 1),
                        ], late: [Fixture.bucket(late, Fixture.usd, 99, 3)]),
                    Fixture.delta(
                        1, log: LogID(unchecked: "b"), base: 0, coverage: 20,
                        [Fixture.bucket(old, Fixture.usd, 3, 1)]),
                ])
            #expect(replies.map(\.outcome) == [.committed, .committed])
            _ = try await Fixture.commit(
                store,
                [Fixture.delta(base: 0, coverage: 5, [Fixture.bucket(old, Fixture.usd, -20, 4)])],
                region: Fixture.us)

            let m = old.number
            #expect(
                try server.keys() == [
                    "changes", "late:eu-west:a:0:\(late.number)", "liveness:eu-west",
                    "liveness:us-east", "metric:EUR:\(m)", "metric:USD:\(m)",
                    "shard:eu-west:a:0:\(m)", "shard:eu-west:b:1:\(m)", "shard:us-east:a:0:\(m)",
                    "store", "transfers:EUR:\(m)", "transfers:USD:\(m)", "watermark:eu-west",
                    "watermark:us-east",
                ])
            #expect(try server.cli("GET", "metric:EUR:\(m)") == "400")
            #expect(try server.cli("GET", "metric:USD:\(m)") == "-10")
            #expect(try server.cli("GET", "transfers:USD:\(m)") == "6")
            #expect(
                try server.hash("shard:eu-west:a:0:\(m)") == ["EUR": "500:2:-100", "USD": "7:1:0"])
            #expect(try server.hash("shard:eu-west:b:1:\(m)") == ["USD": "3:1:0"])
            #expect(try server.hash("late:eu-west:a:0:\(late.number)") == ["USD": "99:3:0"])
            #expect(try server.cli("OBJECT", "ENCODING", "shard:eu-west:a:0:\(m)") == "listpack")
            let watermarks = try server.hash("watermark:eu-west")
            #expect(watermarks.keys.sorted() == ["a/0", "b/1"])
            #expect(
                watermarks["a/0"].flatMap { StoredShard(text: $0) }
                    == StoredShard(
                        watermark: 10, claims: Claims(from: present.advanced(by: -2_000)),
                        foldVersion: Fixture.version, fingerprint: nil))
            let liveness = try server.hash("liveness:eu-west")
            #expect(liveness.keys.sorted() == ["a", "a/0", "b/1"])
            #expect(liveness["a"] == "12")
            #expect(
                try server.cli("ZRANGE", "changes", "0", "-1", "WITHSCORES")
                    == "\(late.number)\n1\n\(m)\n2")
            #expect(try server.hash("store")["version"] == "2")
            #expect(try server.hash("store")["id"]?.count == 32)
            await store.stop()
        }
    }

    @Test func `minute keys expire at an absolute time that later writes do not move`() async throws
    {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let minute = present.advanced(by: -1_400)
            for (base, coverage, settled) in [(0, 1, 5), (1, 2, 6)] as [(Int64, Int64, Int64)] {
                _ = try await Fixture.commit(
                    store,
                    [
                        Fixture.delta(
                            base: base, coverage: coverage,
                            [Fixture.bucket(minute, Fixture.usd, settled)],
                            late: [Fixture.bucket(minute, Fixture.usd, settled)])
                    ])
                let expiry = String(Int64(minute.number) * 60 + 25 * 3_600)
                for key in [
                    "metric:USD:", "transfers:USD:", "shard:eu-west:a:0:", "late:eu-west:a:0:",
                ] {
                    #expect(try server.cli("EXPIRETIME", "\(key)\(minute.number)") == expiry)
                }
            }
            for key in ["changes", "store", "watermark:eu-west", "liveness:eu-west"] {
                #expect(try server.cli("EXPIRETIME", key) == "-1")
            }
            await store.stop()
        }
    }

    @Test func `a bucket that becomes 0 is removed, and so is an empty hash`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let m = present
            let both = [Fixture.bucket(m, Fixture.eur, 5), Fixture.bucket(m, Fixture.usd, 7)]
            _ = try await Fixture.commit(store, [Fixture.delta(base: 0, coverage: 1, both)])
            _ = try await Fixture.commit(
                store,
                [Fixture.delta(base: 1, coverage: 2, [Fixture.bucket(m, Fixture.eur, 0, 0)])])
            #expect(try server.hash("shard:eu-west:a:0:\(m.number)") == ["USD": "7:1:0"])
            #expect(try server.cli("GET", "metric:EUR:\(m.number)") == "0")
            _ = try await Fixture.commit(store, [Fixture.delta(base: 0, coverage: 3)])
            #expect(try server.cli("EXISTS", "shard:eu-west:a:0:\(m.number)") == "0")
            #expect(try server.cli("GET", "metric:USD:\(m.number)") == "0")
            #expect(try server.cli("GET", "transfers:USD:\(m.number)") == "0")
            await store.stop()
        }
    }

    @Test func `repeats and gaps change nothing, refusals do not affect commits`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let m = present
            _ = try await Fixture.commit(
                store,
                [
                    Fixture.delta(0, base: 0, coverage: 10, [Fixture.bucket(m, Fixture.usd, 5)]),
                    Fixture.delta(1, base: 0, coverage: 10, [Fixture.bucket(m, Fixture.usd, 6)]),
                ])
            let before = try server.cli("GET", "metric:USD:\(m.number)")
            let one = [Fixture.bucket(m, Fixture.usd, 1_000)]
            let replies = try await Fixture.commit(
                store,
                [
                    Fixture.delta(0, base: 0, coverage: 9, one),
                    Fixture.delta(1, base: 11, coverage: 12, one),
                    Fixture.delta(2, base: 4, coverage: 5, one),
                    Fixture.delta(3, log: LogID(unchecked: "x"), base: 0, coverage: 5, one),
                    Fixture.delta(4, base: 0, coverage: 5, one + one),
                    Fixture.delta(5, base: 0, coverage: 5, [Fixture.bucket(m, Fixture.eur, 8)]),
                    Fixture.delta(5, base: 0, coverage: 6, one),
                ])
            #expect(
                replies.map(\.outcome) == [
                    .repeat, .behind, .behind, .refused(.unknownLog), .refused(.unsorted),
                    .committed, .refused(.malformed),
                ])
            #expect(replies.map(\.watermark) == [10, 10, 0, 0, 0, 5, 5])
            #expect(before == "11")
            #expect(try server.cli("GET", "metric:USD:\(m.number)") == "11")
            #expect(try server.cli("GET", "metric:EUR:\(m.number)") == "8")
            let counters = store.counters
            #expect(counters.commits == 3)
            #expect(counters.repeats == 1)
            #expect(counters.behind == 2)
            #expect(counters.refused == 3)
            await store.stop()
        }
    }

    @Test func `sums above 2^53 are exact`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let m = present
            let limit = Limits.sumMagnitude
            let shards = (0..<3 as Range<Int32>).map {
                Fixture.delta(
                    $0, base: 0, coverage: 1,
                    [Fixture.bucket(m, Fixture.usd, limit, limit, $0 == 0 ? 1 : 0)])
            }
            _ = try await Fixture.commit(store, Array(shards.prefix(2)))
            #expect(try server.cli("GET", "metric:USD:\(m.number)") == "9007199254740993")
            _ = try await Fixture.commit(store, [shards[2]])
            #expect(try server.cli("GET", "metric:USD:\(m.number)") == "13510798882111489")
            _ = try await Fixture.commit(
                store,
                [
                    Fixture.delta(
                        2, base: 1, coverage: 2, [Fixture.bucket(m, Fixture.usd, -limit, limit)])
                ])
            #expect(try server.cli("GET", "metric:USD:\(m.number)") == "4503599627370497")
            #expect(try server.cli("GET", "transfers:USD:\(m.number)") == "13510798882111488")
            await store.stop()
        }
    }

    @Test func `concurrent stores lose nothing and never share a version`() async throws {
        try await RedisServer.with { server in
            let stores = try (0..<4).map { _ in try Fixture.store(server) }
            let m = present
            // All push the same two shards, each with successively longer prefixes. Only two
            // writers would fall into step and never interleave with each other's reads.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (offset, store) in stores.enumerated() {
                    group.addTask {
                        for step in 0..<400 {
                            let coverage = Int64(step * 4 + offset + 1)
                            let shards = (0..<2 as Range<Int32>).map { partition in
                                Fixture.delta(
                                    partition, base: 0, coverage: coverage,
                                    [Fixture.bucket(m, Fixture.usd, coverage * 3, coverage)])
                            }
                            // A writer with too many conflicts is told to retry.
                            while try await Fixture.commit(store, shards)
                                .contains(where: { $0.outcome == .refused(.store) })
                            {}
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try server.cli("GET", "metric:USD:\(m.number)") == "9600")
            #expect(try server.cli("GET", "transfers:USD:\(m.number)") == "3200")
            #expect(
                try server.hash("watermark:eu-west").values
                    .compactMap { StoredShard(text: $0)?.watermark } == [1_600, 1_600])
            let counters = stores.map(\.counters)
            #expect(counters.map(\.failedScripts) == [0, 0, 0, 0])
            #expect(counters.map(\.casRetries).reduce(0, +) > 0, "no two writers ever conflicted")
            // Each script that wrote has its own version: two shards per script at most.
            let version = try #require(Int(server.hash("store")["version"] ?? ""))
            #expect(version * 2 >= counters.map(\.commits).reduce(0, +))
            for store in stores { await store.stop() }
        }
    }

    @Test func `a watermark that is dropped during a commit stays dropped`()
        async throws
    {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let other = try Fixture.store(server)
            let minutes = (0..<200).map { present.advanced(by: $0 - 200) }
            for _ in 0..<40 {
                let first = try await Fixture.commit(store, [Fixture.delta(base: 0, coverage: 1)])
                #expect(first.map(\.outcome) == [.committed])
                // The region continues from its watermark until it learns of the loss. A commit
                // decided before the loss and written after it would hide the loss permanently.
                let pushing = Task {
                    for coverage in 2...60 as ClosedRange<Int64> {
                        let buckets = minutes.map { Fixture.bucket($0, Fixture.usd, coverage) }
                        let delta = Fixture.delta(base: coverage - 1, coverage: coverage, buckets)
                        let reply = try await Fixture.commit(store, [delta])
                        if reply.first?.outcome == .behind { return true }
                    }
                    return false
                }
                #expect(try await other.dropWatermarks(region: Fixture.eu) == 1)
                #expect(try await pushing.value, "the loss was hidden")
                _ = try await other.dropWatermarks(region: Fixture.eu)
            }
            await store.stop()
            await other.stop()
        }
    }

    @Test func `logs with a partition of the same number keep buckets apart`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let m = present
            let other = LogID(unchecked: "b")
            for (coverage, settled) in [(1, 10), (2, 30)] as [(Int64, Int64)] {
                for (log, times) in [(Fixture.log, 1), (other, 100)] as [(LogID, Int64)] {
                    let bucket = Fixture.bucket(m, Fixture.usd, settled * times)
                    _ = try await Fixture.commit(
                        store,
                        [
                            Fixture.delta(
                                log: log, base: coverage - 1, coverage: coverage, [bucket],
                                late: [bucket])
                        ])
                }
            }
            #expect(try server.cli("GET", "metric:USD:\(m.number)") == "3030")
            let values = try await store.statuses(
                region: Fixture.eu, withValues: true, now: Fixture.now()
            ).map(\.values)
            let right = ([30, 3_000] as [Int64]).map { settled in
                let bucket = Fixture.bucket(m, Fixture.usd, settled)
                return ShardStatus.Values(buckets: [bucket], late: [bucket])
            }
            #expect(values == right)
            await store.stop()
        }
    }

    @Test func `a region that the store does not count is refused`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server, regions: [Fixture.us])
            let replies = try await Fixture.commit(
                store,
                [Fixture.delta(base: 0, coverage: 1, [Fixture.bucket(present, Fixture.usd, 1)])])
            #expect(replies.map(\.outcome) == [.refused(.unknownLog)])
            #expect(try server.keys() == [])
            await store.stop()
        }
    }

    @Test func `observed-through never exceeds HQ's time and never goes back`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let now = Fixture.now()
            func push(_ coverage: Int64, _ seen: UnixTime, at time: UnixTime) async throws {
                _ = try await store.commit(
                    Fixture.request([
                        Fixture.delta(base: 0, coverage: coverage, observedThrough: seen)
                    ]), knownLogs: Fixture.logs, now: time)
            }
            func liveness() throws -> ShardLiveness? {
                try server.hash("liveness:eu-west")["a/0"].flatMap { ShardLiveness(text: $0) }
            }
            try await push(1, now + 90_000, at: now)
            #expect(try liveness()?.observedThrough == now)
            try await push(2, now - 90_000, at: now - 5_000)
            #expect(try liveness()?.observedThrough == now)
            #expect(try liveness()?.receivedAt == now - 5_000)
            try await push(2, now + 1_000, at: now + 2_000)
            #expect(try liveness()?.observedThrough == now + 1_000)
            #expect(store.counters.touches == 3)
            #expect(store.counters.commits == 3)
            await store.stop()
        }
    }

    @Test func `statuses carry the values at the watermark`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let buckets = [
                Fixture.bucket(present.advanced(by: -1_490), Fixture.usd, 1),
                Fixture.bucket(present, Fixture.eur, 2, 3, 4),
                Fixture.bucket(present, Fixture.usd, 5),
            ]
            let late = [Fixture.bucket(present.advanced(by: -9), Fixture.usd, 6)]
            _ = try await Fixture.commit(
                store,
                [
                    Fixture.delta(1, base: 0, coverage: 10, buckets, late: late),
                    Fixture.delta(0, base: 0, coverage: 20),
                    Fixture.delta(1, log: LogID(unchecked: "b"), base: 0, coverage: 30),
                ])
            let all = try await store.statuses(
                region: Fixture.eu, withValues: false, now: Fixture.now())
            #expect(all.map(\.watermark) == [20, 10, 30])
            #expect(all.map(\.log.name) == ["a", "a", "b"])
            #expect(all.allSatisfy { $0.values == nil })
            let one = try await store.statuses(
                region: Fixture.eu, partition: 1, withValues: true, now: Fixture.now())
            #expect(
                one.map(\.values) == [
                    ShardStatus.Values(buckets: buckets, late: late),
                    ShardStatus.Values(buckets: [], late: []),
                ])
            #expect(
                try await store.statuses(
                    region: Fixture.us, withValues: true, now: Fixture.now()) == [])
            await store.stop()
        }
    }

    @Test func `a whole shard removes omitted late money of a stamp far ahead`()
        async throws
    {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let far = present.advanced(by: 1_331)
            let late = [Fixture.bucket(far, Fixture.usd, 6)]
            let key = "late:eu-west:a:0:\(far.number)"
            let first = Fixture.delta(base: 0, coverage: 9, late: late)
            _ = try await Fixture.commit(store, [first])
            let statuses = try await store.statuses(
                region: Fixture.eu, withValues: true, now: Fixture.now())
            #expect(statuses.map(\.values?.late) == [late])
            _ = try await Fixture.commit(store, [Fixture.delta(base: 0, coverage: 10)])
            #expect(try server.hash(key) == [:])
            await store.stop()
        }
    }

    @Test func `only endpoints on this machine are accepted`() throws {
        for host in ["10.0.0.1", "redis.example", "127.0.0.1.example", "127.0.0", "::2", ""] {
            let configuration = RedisStoreConfiguration(
                endpoint: .tcp(host: host, port: 6_379), regions: [])
            #expect(throws: RedisStoreError.self) {
                try RedisStore(configuration: configuration, logger: .init(label: "test"))
            }
        }
        for host in ["127.0.0.1", "127.9.8.7", "::1", "localhost"] {
            #expect(RedisStoreConfiguration.Endpoint.tcp(host: host, port: 1).isLocal)
        }
    }
}
