import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import RedisStore
import Testing

/// One bad shard together with a good one: the good one is committed, the bad one is unchanged.
@Suite struct CommitRefusalTests {
    private let present = Fixture.now().minute

    /// Everything that Redis holds of one shard.
    private func holdings(
        of partition: Int, in server: RedisServer
    ) throws -> [String: [String: String]] {
        let field = "a/\(partition)"
        var found: [String: [String: String]] = [:]
        for key in try server.keys() where key.contains(":eu-west:a:\(partition):") {
            found[key] = try server.hash(key)
        }
        for key in ["watermark:eu-west", "liveness:eu-west"] {
            found[key] = try server.hash(key).filter { $0.key == field }
        }
        return found
    }

    /// Commits the initial state of partitions 0 and 1.
    private func commitFirst(_ store: RedisStore, foldVersion: FoldVersion) async throws {
        var request = Fixture.request([
            Fixture.delta(
                0, base: 0, coverage: 10, [Fixture.bucket(present, Fixture.usd, 5)],
                late: [Fixture.bucket(present, Fixture.eur, 2)])
        ])
        request.foldVersion = foldVersion
        let first = try await store.commit(request, knownLogs: Fixture.logs, now: Fixture.now())
        #expect(first.shards.map(\.outcome) == [.committed])
        let second = try await Fixture.commit(
            store,
            [Fixture.delta(1, base: 0, coverage: 10, [Fixture.bucket(present, Fixture.usd, 6)])])
        #expect(second.map(\.outcome) == [.committed])
    }

    @Test(arguments: [false, true])
    func `a bucket over its bound refuses only its own shard`(isLate: Bool) async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            try await commitFirst(store, foldVersion: Fixture.version)
            let before = try holdings(of: 0, in: server)
            let tooMuch = [Fixture.bucket(present, Fixture.usd, Limits.sumMagnitude + 1)]
            let replies = try await Fixture.commit(
                store,
                [
                    Fixture.delta(
                        0, base: 10, coverage: 12, isLate ? [] : tooMuch,
                        late: isLate ? tooMuch : []),
                    Fixture.delta(
                        1, base: 10, coverage: 13, [Fixture.bucket(present, Fixture.usd, 60)]),
                ])
            #expect(replies.map(\.outcome) == [.refused(.overflow), .committed])
            #expect(replies.map(\.watermark) == [10, 13])
            #expect(try holdings(of: 0, in: server) == before)
            #expect(try server.cli("GET", "metric:USD:\(present.number)") == "65")
            #expect(try server.cli("GET", "transfers:USD:\(present.number)") == "2")
            #expect(store.counters.refused == 1)
            await store.stop()
        }
    }

    @Test(arguments: [0, 10] as [Int64])
    func `only a shard stored at a higher fold version is refused`(base: Int64) async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            var higher = Fixture.version
            higher.settings += 1
            try await commitFirst(store, foldVersion: higher)
            let before = try holdings(of: 0, in: server)
            let replies = try await Fixture.commit(
                store,
                [
                    Fixture.delta(
                        0, base: base, coverage: 12, [Fixture.bucket(present, Fixture.usd, 50)]),
                    Fixture.delta(
                        1, base: base, coverage: 13, [Fixture.bucket(present, Fixture.usd, 60)]),
                ])
            #expect(replies.map(\.outcome) == [.refused(.foldVersionOlder), .committed])
            #expect(replies.map(\.watermark) == [10, 13])
            #expect(try holdings(of: 0, in: server) == before)
            #expect(try server.cli("GET", "metric:USD:\(present.number)") == "65")
            #expect(
                try server.hash("watermark:eu-west")["a/0"].flatMap { StoredShard(text: $0) }?
                    .foldVersion == higher)
            await store.stop()
        }
    }
}
