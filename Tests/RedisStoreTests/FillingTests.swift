import CivilTime
import DeltaProtocol
import Federation
import Foundation
import Identifiers
import Money
import RedisStore
import Synchronization
import Testing

/// Commits that are too large for one script.
@Suite struct FillingTests {
    private let present = Fixture.now().minute

    private func buckets(
        _ currencies: ArraySlice<Currency>, minutes: Int, of number: Int64 = 1
    ) -> [Bucket] {
        (0..<minutes).flatMap { index in
            let minute = present.advanced(by: index + 1 - minutes)
            return currencies.map {
                Fixture.bucket(minute, $0, number * 1_000 + Int64(index), number)
            }
        }
    }

    /// How long commands have blocked Redis since the last reset, in microseconds: the slowest by
    /// the given percentile.
    private func slowest(
        _ server: RedisServer, percentile: String
    ) throws -> (command: String, microseconds: Double) {
        let lines = try server.cli("INFO", "latencystats").split(whereSeparator: \.isNewline)
        var slowest = (command: "", microseconds: 0.0)
        for line in lines {
            guard let figures = line.split(separator: ":").last,
                let figure = figures.split(separator: ",").first(where: {
                    $0.hasPrefix("\(percentile)=")
                }), let time = Double(figure.dropFirst(percentile.count + 1)),
                time > slowest.microseconds
            else { continue }
            slowest = (String(line.prefix { $0 != ":" }), time)
        }
        return slowest
    }

    private func reset(_ server: RedisServer) throws {
        try server.cli("CONFIG", "SET", "latency-tracking-info-percentiles", "99 100")
        try server.cli("CONFIG", "RESETSTAT")
    }

    /// A busy machine slows all scripts: only an idle one can measure them.
    private let isMeasured = ProcessInfo.processInfo.environment["TRIBUTARY_MEASURE"] != nil

    @Test func `no script for a full shard of all used currencies blocks Redis for long`()
        async throws
    {
        try await RedisServer.with { server in
            // Long timeouts, so that a busy machine fails no operation.
            func patient(
                _ configure: (inout RedisStoreConfiguration) -> Void = { _ in }
            ) throws -> RedisStore {
                try Fixture.store(server) {
                    $0.operationTimeout = .seconds(120)
                    configure(&$0)
                }
            }
            let store = try patient()
            let reader = try patient()
            let currencies = Currency.all.prefix(221)
            // Fewer than the retained minutes, because some expire during the test.
            let minutes = 1_490
            let whole = buckets(currencies, minutes: minutes)
            var figures: [String] = []
            func measure(_ what: String, _ body: () async throws -> Void) async throws {
                try reset(server)
                let start = ContinuousClock.now
                try await body()
                let elapsed = ContinuousClock.now - start
                let usual = try slowest(server, percentile: "p99")
                let longest = try slowest(server, percentile: "p100")
                figures.append("\(what): \(elapsed), p99 \(usual), longest \(longest)")
                guard isMeasured else { return }
                #expect(longest.microseconds < 100_000, "\(what): \(longest)")
            }
            func push(_ coverage: Int64, _ buckets: [Bucket]) async throws {
                let replies = try await Fixture.commit(
                    store, [Fixture.delta(base: 0, coverage: coverage, buckets)])
                try #require(replies.map(\.outcome) == [.committed])
            }
            try await measure("fill") { try await push(5, whole) }
            let key = "metric:\(currencies[0].code):\(present.number)"
            #expect(try server.cli("GET", key) == "\(999 + minutes)")
            #expect(try server.cli("HLEN", "shard:eu-west:a:0:\(present.number)") == "221")
            try await measure("replace") {
                try await push(6, buckets(currencies, minutes: minutes, of: 2))
            }
            try await measure("read") {
                let full = try await reader.refresh(since: nil, regions: Fixture.regions)
                #expect(full.minutes.count == minutes)
                #expect(full.standings.values.map(\.isTorn) == [false])
            }
            try await measure("seed") {
                let statuses = try await reader.statuses(
                    region: Fixture.eu, withValues: true, now: Fixture.now())
                #expect(statuses.first?.values?.buckets.count == 221 * minutes)
            }
            try await measure("maintain") {
                let done = try await store.maintenance(now: Fixture.now())
                #expect(done.repairedKeys == 0)
                #expect(done.droppedWatermarks == 0)
            }
            #expect(try await store.dropWatermarks(region: Fixture.eu) == 1)
            try await measure("refill") { try await push(7, whole) }
            #expect(try server.cli("GET", key) == "\(999 + minutes)")
            let remover = try patient {
                $0.topology = StoreTopology(
                    generation: 1, logs: [Fixture.eu: [.init(id: LogID(unchecked: "b"))]])
            }
            try await measure("remove") {
                _ = try await remover.maintenance(now: Fixture.now())
            }
            #expect(try server.cli("GET", key) == "0")
            #expect(try server.keys().filter { $0.hasPrefix("shard:") } == [])
            print(figures.joined(separator: "\n"))
            for store in [store, reader, remover] { await store.stop() }
        }
    }

    /// Drives a round until a step of a large commit is written, then abandons it.
    private func abandon(
        _ store: RedisStore, _ delta: ShardDelta, after steps: Int
    ) async throws {
        let memory = Mutex(CommitMemory())
        let written = Mutex(0)
        var settings = CommitRound.Settings(knownLogs: Fixture.logs)
        settings.bounds.bucketsPerWrite = 4
        let round = CommitRound(
            Fixture.request([delta]), settings: settings, now: Fixture.now())
        await #expect(throws: RedisStoreError.self) {
            try await store.carryOut(round, now: Fixture.now()) { round, event in
                if event == .written { written.withLock { $0 += 1 } }
                if written.withLock({ $0 }) == steps { return .giveUp }
                return memory.withLock { round.handle(event, at: Fixture.now(), memory: &$0) }
            }
        }
    }

    @Test func `an abandoned filling seeds no node, and the next whole delta ends it`()
        async throws
    {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let two = [Fixture.eur, Fixture.usd][...]
            let before = buckets(two, minutes: 6)
            _ = try await Fixture.commit(store, [Fixture.delta(base: 0, coverage: 5, before)])
            let whole = buckets(two, minutes: 6, of: 9)
            try await abandon(
                store, Fixture.delta(base: 0, coverage: 9, whole), after: 2)
            let text = try #require(try server.hash("liveness:eu-west")["a/0"])
            #expect(text.hasPrefix("torn filling ") && text.hasSuffix(" 2"))
            #expect(try server.hash("watermark:eu-west")["a/0"]?.hasPrefix("5 ") == true)
            // The sums equal the hashes after every step.
            for index in 0..<6 {
                let minute = present.advanced(by: index - 5)
                let number: Int64 = index < 4 ? 9 : 1
                #expect(
                    try server.cli("GET", "metric:USD:\(minute.number)")
                        == String(number * 1_000 + Int64(index)))
            }
            for withValues in [false, true] {
                let statuses = try await store.statuses(
                    region: Fixture.eu, withValues: withValues, now: Fixture.now())
                #expect(statuses.isEmpty)
            }
            let shard = ShardID(region: Fixture.eu, log: Fixture.log, partition: 0)
            let refresh = try await store.refresh(since: nil, regions: Fixture.regions)
            #expect(refresh.standings[shard]?.isTorn == true)
            #expect(try await store.digest(of: shard, minutes: present...present) == nil)
            // A heartbeat and a later delta both learn that the whole shard is needed.
            for delta in [
                Fixture.delta(base: 5, coverage: 5),
                Fixture.delta(base: 5, coverage: 6, [Fixture.bucket(present, Fixture.usd, 1)]),
            ] {
                let reply = try #require(try await Fixture.commit(store, [delta]).first)
                #expect(reply.outcome == .behind)
                #expect(reply.watermark == 0)
            }
            // A node at HQ's coverage repeats its claims.
            let again = try await Fixture.commit(
                store, [Fixture.delta(base: 0, coverage: 5, before)])
            #expect(again.map(\.outcome) == [.committed])
            #expect(
                Fixture.values(
                    try await store.refresh(since: nil, regions: Fixture.regions), Fixture.eu
                ).count == 12)
            for index in 0..<6 {
                let minute = present.advanced(by: index - 5)
                #expect(
                    try server.cli("GET", "metric:USD:\(minute.number)") == String(1_000 + index))
                #expect(try server.cli("GET", "transfers:EUR:\(minute.number)") == "1")
            }
            await store.stop()
        }
    }

    @Test func `two writers that fill one shard at once leave one writer's state`() async throws {
        try await RedisServer.with { server in
            let two = [Fixture.eur, Fixture.usd][...]
            let stores = try (0..<2).map { _ in try Fixture.store(server) }
            let present = present
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, store) in stores.enumerated() {
                    let whole = buckets(two, minutes: 40, of: 7)
                    group.addTask {
                        for round in 0..<20 {
                            let memory = Mutex(CommitMemory())
                            var settings = CommitRound.Settings(knownLogs: Fixture.logs)
                            settings.bounds.bucketsPerWrite = 3
                            let coverage = Int64(round * 2 + index + 1)
                            let now = Fixture.now()
                            let made = CommitRound(
                                Fixture.request([
                                    Fixture.delta(base: 0, coverage: coverage, whole)
                                ]), settings: settings, now: now)
                            _ = try await store.carryOut(made, now: now) { round, event in
                                memory.withLock { round.handle(event, at: now, memory: &$0) }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let last = try await Fixture.commit(
                stores[0], [Fixture.delta(base: 0, coverage: 99, buckets(two, minutes: 40))])
            #expect(last.map(\.outcome) == [.committed])
            for index in 0..<40 {
                let minute = present.advanced(by: index - 39)
                #expect(
                    try server.cli("GET", "metric:USD:\(minute.number)") == String(1_000 + index))
                #expect(try server.cli("GET", "transfers:USD:\(minute.number)") == "1")
            }
            for store in stores { await store.stop() }
        }
    }
}
