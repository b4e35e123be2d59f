import CivilTime
import DeltaProtocol
import Federation
import Foundation
import Identifiers
import RedisStore
import Testing

/// Damage that the store repairs without an operator.
@Suite struct MendingTests {
    private let present = Fixture.now().minute

    private func deltas(_ coverage: Int64) -> [ShardDelta] {
        [
            Fixture.delta(
                base: 0, coverage: coverage, [Fixture.bucket(present, Fixture.eur, coverage)],
                late: [Fixture.bucket(present, Fixture.usd, 1)])
        ]
    }

    /// Retries an operation, as the callers of the store do.
    private func soon<Answer>(
        _ attempt: () async throws -> Answer
    ) async throws -> Answer {
        for _ in 0..<4 {
            if let answer = try? await attempt() { return answer }
        }
        return try await attempt()
    }

    @Test(arguments: [
        "store", "changes", "topology", "watermark:eu-west", "liveness:eu-west",
        "shard:eu-west:a:0:", "late:eu-west:a:0:", "missed:eu-west:", "metric:EUR:",
        "transfers:EUR:",
    ])
    func `a key of a wrong type is repaired`(
        _ name: String
    ) async throws {
        try await RedisServer.with { server in
            for value in [["SET", "x"], ["RPUSH", "x"]] {
                try server.cli("FLUSHALL")
                let store = try Fixture.store(server)
                try await spoil(name, with: value, server, store)
                try await checkHealed(server, store, "\(name) \(value)")
                await store.stop()
            }
        }
    }

    private func spoil(
        _ name: String, with value: [String], _ server: RedisServer, _ store: RedisStore
    ) async throws {
        for region in Fixture.regions {
            let first = try await Fixture.commit(store, deltas(10), region: region)
            #expect(first[0].outcome == .committed)
        }
        let key = name.hasSuffix(":") ? "\(name)\(present.number)" : name
        try server.cli("DEL", key)
        try server.cli([value[0], key] + value.dropFirst())
        try server.cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    }

    private func checkHealed(
        _ server: RedisServer, _ store: RedisStore, _ comment: Comment
    ) async throws {
        for coverage in 11...12 as ClosedRange<Int64> {
            let replies = try await soon {
                let replies = try await Fixture.commit(store, deltas(coverage))
                return try #require(replies[0].outcome == .committed ? replies : nil, comment)
            }
            #expect(replies[0].watermark == coverage, comment)
        }
        let done = try await soon { try await store.maintenance(now: Fixture.now()) }
        #expect(done.verifiedMinutes > 0, comment)
        let view = try await soon {
            try await store.refresh(since: nil, regions: Fixture.regions)
        }
        let place = Fixture.Place(minute: present, currency: Fixture.eur)
        #expect(
            Fixture.values(view, Fixture.eu) == [place: .init(settled: 12, transfers: 1)], comment)
        #expect(try server.cli("GET", "metric:EUR:\(present.number)") == "22", comment)
    }

    @Test(arguments: ["store", "topology"])
    func `text instead of a number is repaired`(_ key: String) async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            for region in Fixture.regions {
                _ = try await Fixture.commit(store, deltas(10), region: region)
            }
            for field in try server.hash(key).keys.sorted() {
                try server.cli("HSET", key, field, "hostile")
            }
            try server.cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            try await checkHealed(server, store, "\(key)")
            await store.stop()
        }
    }

    @Test func `impossible partitions and counts are ignored`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            _ = try await Fixture.commit(store, deltas(10))
            let text = try server.cli("HGET", "watermark:eu-west", "a/0")
            for partition in ["\(ShardID.maximumPartitions)", "4000", "-1", "99999999999"] {
                try server.cli("HSET", "watermark:eu-west", "a/\(partition)", text)
            }
            for count in [0, ShardID.maximumPartitions + 1, -7] {
                try server.cli("HSET", "liveness:eu-west", "b\(count)", "\(count)")
            }
            let view = try await store.refresh(since: nil, regions: Fixture.regions)
            #expect(view.standings.keys.map(\.partition) == [0])
            #expect(view.partitionCounts[Fixture.eu] == [Fixture.log: 12])
            await store.stop()
        }
    }

    @Test func `a replica is abandoned, and used again once it is the master`()
        async throws
    {
        try await RedisServer.with { server in
            let store = try Fixture.store(server) {
                $0.reconnectDelayMin = .milliseconds(1)
                $0.reconnectDelayMax = .milliseconds(5)
            }
            _ = try await Fixture.commit(store, deltas(10))
            try server.cli("REPLICAOF", "127.0.0.1", "1")
            for _ in 0..<3 {
                let error = await #expect(throws: RedisStoreError.self) {
                    _ = try await Fixture.commit(store, deltas(11))
                }
                #expect(
                    [.server("READONLY"), .unavailable].contains(error?.code),
                    "\(String(describing: error))")
            }
            // A new reader does not read from a replica either.
            let reader = try Fixture.store(server)
            let error = await #expect(throws: RedisStoreError.self) {
                _ = try await reader.refresh(since: nil, regions: Fixture.regions)
            }
            #expect(error?.code == .server("READONLY"))
            try server.cli("REPLICAOF", "NO", "ONE")
            let deadline = ContinuousClock.now + .seconds(10)
            var outcome: ShardOutcome?
            while outcome != .committed, ContinuousClock.now < deadline {
                outcome = try? await Fixture.commit(store, deltas(11))[0].outcome
            }
            #expect(outcome == .committed)
            await reader.stop()
            await store.stop()
        }
    }

    /// As a Sentinel does it: new connections reach the other server, the open ones the old one.
    @Test func `a store that is demoted is followed to the new master`() async throws {
        try await RedisServer.with { first in
            try await RedisServer.with { second in
                let link = first.folder.appending(path: "master.sock").path
                let files = FileManager.default
                try files.createSymbolicLink(atPath: link, withDestinationPath: first.socket)
                let (writer, reader) = (
                    try Fixture.store(first) { $0.endpoint = .unixSocket(path: link) },
                    try Fixture.store(first) { $0.endpoint = .unixSocket(path: link) }
                )
                _ = try await Fixture.commit(writer, deltas(1))
                var position = try await reader.refresh(since: nil, regions: Fixture.regions)
                    .position
                try files.removeItem(atPath: link)
                try files.createSymbolicLink(atPath: link, withDestinationPath: second.socket)
                try first.cli("REPLICAOF", "127.0.0.1", "1")

                // The new master has nothing of it: the region sends everything again.
                let deadline = ContinuousClock.now + .seconds(60)
                var seen: Int64?
                while seen != 11, ContinuousClock.now < deadline {
                    _ = try? await Fixture.commit(writer, deltas(11))
                    let view = try? await reader.refresh(
                        since: position, regions: Fixture.regions)
                    guard let view else { continue }
                    position = view.position
                    let minute = view.minutes.first { $0.minute == present }
                    seen = minute?.values.first?.value.settled ?? seen
                }
                #expect(seen == 11)
                #expect(try second.cli("GET", "metric:EUR:\(present.number)") == "11")
                await reader.stop()
                await writer.stop()
            }
        }
    }
}
