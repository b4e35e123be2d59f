import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money
import RedisStore
import Testing

/// Keys in the store that no HQ has written.
@Suite struct DamageTests {
    private let present = Fixture.now().minute

    @Test func `a key of another type is removed, and the shard is refilled`()
        async throws
    {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let m = present
            let key = "shard:eu-west:a:0:\(m.number)"
            let late = "late:eu-west:a:0:\(m.number)"
            let one = [Fixture.bucket(m, Fixture.usd, 5)]
            let other = [Fixture.delta(base: 0, coverage: 9, [Fixture.bucket(m, Fixture.usd, 70)])]
            _ = try await Fixture.commit(store, other, region: Fixture.us)
            for damage in [["SET", key, "x"], ["HSET", key, "USD", "1:x:0"], ["SET", late, "x"]] {
                _ = try await Fixture.commit(
                    store, [Fixture.delta(base: 0, coverage: 1, one, late: one)])
                try server.cli("DEL", damage[1])
                try server.cli(damage)
                let two = [Fixture.bucket(m, Fixture.usd, 6)]
                let behind = try await Fixture.commit(
                    store, [Fixture.delta(base: 1, coverage: 2, two, late: two)])
                #expect(behind.map(\.outcome) == [.behind], "\(damage)")
                let whole = try await Fixture.commit(
                    store, [Fixture.delta(base: 0, coverage: 2, two, late: two)])
                #expect(whole.map(\.outcome) == [.committed])
                #expect(try server.hash(key) == ["USD": "6:1:0"])
                #expect(try server.hash(late) == ["USD": "6:1:0"])
                #expect(try server.cli("GET", "metric:USD:\(m.number)") == "76")
                _ = try await store.dropWatermarks(region: Fixture.eu)
            }
            #expect(store.counters.damagedValues >= 3)
            await store.stop()
        }
    }

    @Test func `hashes that overflow a sum count as damaged and never wrap`()
        async throws
    {
        try await RedisServer.with { server in
            let store = try Fixture.store(server) { $0.operationTimeout = .seconds(120) }
            let m = present
            let most = Limits.sumMagnitude
            // More shards than a topology may have.
            var command = [
                "EVAL",
                """
                for p = 12, 1023 do
                  redis.call('HSET', 'liveness:eu-west', 'a/' .. p, 'x')
                  redis.call('HSET', 'shard:eu-west:a:' .. p .. ':' .. ARGV[1], 'USD', ARGV[2])
                end
                """, "0", "\(m.number)", "\(most):1:\(most)",
            ]
            try server.cli(command)
            _ = try await store.verify([m])
            #expect(try server.cli("GET", "metric:USD:\(m.number)") == "\(1_012 * 2 * most)")
            let full = (0..<12 as Range<Int32>).map {
                Fixture.delta(
                    $0, base: 0, coverage: 7, completeFrom: m,
                    [Fixture.bucket(m, Fixture.usd, most, 1, most)])
            }
            let replies = try await Fixture.commit(store, full)
            // The script failed at the sum. Of the hashes, one makes a sum overflow and is removed.
            #expect(replies.map(\.outcome) == full.map { _ in .committed })
            #expect(store.counters.failedScripts == 1)
            #expect(try server.cli("GET", "metric:USD:\(m.number)") == "\(1_023 * 2 * most)")
            let refresh = try await store.refresh(since: nil, regions: Fixture.regions)
            #expect(
                Fixture.values(refresh, Fixture.eu) == [
                    .init(minute: m, currency: Fixture.usd): .init(
                        settled: 1_023 * most, transfers: 1_023, correction: 1_023 * most)
                ])
            // The same number again, and one more than fits into a part of a region's sum.
            command[1] = command[1].replacing("12, 1023", with: "1024, 2048")
            try server.cli(command)
            let wide = try await store.refresh(since: nil, regions: Fixture.regions)
            #expect(
                Fixture.values(wide, Fixture.eu) == [
                    .init(minute: m, currency: Fixture.usd): .init(
                        settled: 2_047 * most, transfers: 2_047, correction: 2_047 * most)
                ])
            await store.stop()
        }
    }

    @Test func `a foreign watermark text of any length is replaced`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            for key in ["watermark:eu-west", "liveness:eu-west"] {
                try server.cli("HSET", key, "a/0", String(repeating: "x", count: 70_000))
            }
            let one = [Fixture.bucket(present, Fixture.usd, 1)]
            let behind = try await Fixture.commit(
                store, [Fixture.delta(base: 1, coverage: 2, one)])
            #expect(behind.map(\.outcome) == [.behind])
            let whole = try await Fixture.commit(
                store, [Fixture.delta(base: 0, coverage: 2, one)])
            #expect(whole.map(\.outcome) == [.committed])
            #expect(try server.hash("watermark:eu-west")["a/0"]?.hasPrefix("2 ") == true)
            await store.stop()
        }
    }
}
