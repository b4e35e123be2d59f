import CivilTime
import DeltaProtocol
import Federation
import Hashing
import Identifiers
import Money
import RedisStore
import Testing

@Suite struct RefreshTests {
    private let present = Fixture.now().minute

    @Test func `a refresh includes whole changed minutes, even emptied ones`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let empty = try await store.refresh(since: nil, regions: Fixture.regions)
            #expect(empty.isFull)
            #expect(empty.minutes == [])
            #expect(empty.standings.isEmpty)

            let m = present
            let before = present.advanced(by: -1)
            _ = try await Fixture.commit(
                store,
                [
                    Fixture.delta(
                        0, base: 0, coverage: 3,
                        [
                            Fixture.bucket(before, Fixture.usd, 1),
                            Fixture.bucket(m, Fixture.eur, 2, 2, 20),
                            Fixture.bucket(m, Fixture.usd, 3),
                        ]),
                    Fixture.delta(1, base: 0, coverage: 4, [Fixture.bucket(m, Fixture.usd, 40)]),
                ])
            _ = try await Fixture.commit(
                store, [Fixture.delta(base: 0, coverage: 9, [Fixture.bucket(m, Fixture.usd, 7)])],
                region: Fixture.us)
            let full = try await store.refresh(since: empty.position, regions: Fixture.regions)
            #expect(full.isFull)
            #expect(full.position.version == 2)
            #expect(
                full.minutes == [
                    RegionMinute(
                        region: Fixture.eu, minute: before,
                        values: [
                            .init(currency: Fixture.usd, value: .init(settled: 1, transfers: 1))
                        ]
                    ),
                    RegionMinute(
                        region: Fixture.eu, minute: m,
                        values: [
                            .init(
                                currency: Fixture.eur,
                                value: .init(settled: 2, transfers: 2, correction: 20)),
                            .init(currency: Fixture.usd, value: .init(settled: 43, transfers: 2)),
                        ]),
                    RegionMinute(
                        region: Fixture.us, minute: m,
                        values: [
                            .init(currency: Fixture.usd, value: .init(settled: 7, transfers: 1))
                        ]
                    ),
                ])
            #expect(full.standings.count == 3)
            let shard = ShardID(region: Fixture.eu, log: Fixture.log, partition: 1)
            #expect(full.standings[shard]?.watermark == 4)
            #expect(full.standings[shard]?.node == "node-1")
            #expect(full.partitionCounts[Fixture.eu] == [Fixture.log: 12])

            _ = try await Fixture.commit(
                store,
                [
                    Fixture.delta(
                        0, base: 3, coverage: 5, [Fixture.bucket(before, Fixture.usd, 0, 0)])
                ])
            let next = try await store.refresh(since: full.position, regions: Fixture.regions)
            #expect(!next.isFull)
            #expect(
                next.minutes == [
                    RegionMinute(region: Fixture.eu, minute: before, values: []),
                    RegionMinute(region: Fixture.us, minute: before, values: []),
                ])
            let same = try await store.refresh(since: next.position, regions: Fixture.regions)
            #expect(!same.isFull)
            #expect(same.minutes == [])
            #expect(same.position == next.position)
            #expect(same.standings.count == 3)
            await store.stop()
        }
    }

    @Test func `readers get late and missed money, whose minutes are listed`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let m = present.advanced(by: -3)
            func values(_ settled: Int64, _ transfers: Int64) -> [RegionMinute.CurrencyValue] {
                [
                    .init(
                        currency: Fixture.usd,
                        value: BucketValue(settled: settled, transfers: transfers))
                ]
            }
            func commit(_ partition: Int32, _ base: Int64, _ coverage: Int64) async throws {
                let isWhole = base == 0
                _ = try await Fixture.commit(
                    store,
                    [
                        Fixture.delta(
                            partition, base: base, coverage: coverage,
                            late: [Fixture.bucket(m, Fixture.usd, 10 * coverage, coverage)],
                            missed: isWhole ? [] : [Fixture.bucket(m, Fixture.usd, 7, 2)])
                    ])
            }
            try await commit(0, 0, 3)
            try await commit(1, 0, 4)
            let full = try await store.refresh(since: nil, regions: Fixture.regions)
            #expect(
                full.minutes == [
                    RegionMinute(
                        region: Fixture.eu, minute: m, values: [], late: values(70, 7))
                ])
            try await commit(0, 3, 5)
            try await commit(0, 5, 6)
            let next = try await store.refresh(since: full.position, regions: Fixture.regions)
            #expect(!next.isFull)
            let late = next.minutes.filter { !$0.late.isEmpty }
            #expect(
                late == [
                    RegionMinute(
                        region: Fixture.eu, minute: m, values: [], late: values(100, 10))
                ])
            // The clock may have entered the next minute between the two.
            let missed = next.minutes.flatMap(\.missed).map(\.value)
            #expect(missed.reduce(0) { $0 + $1.settled } == 14)
            #expect(missed.reduce(0) { $0 + $1.transfers } == 4)
            let again = try await store.refresh(since: nil, regions: Fixture.regions)
            #expect(again.minutes == next.minutes.filter { !$0.isEmpty })
            await store.stop()
        }
    }

    @Test func `many incremental refreshes equal one full read`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            let reader = try Fixture.store(server)
            var generator = SplitMix64(seed: 11)
            var seen: [RegionID: [Fixture.Place: BucketValue]] = [:]
            var position: StorePosition?
            var coverage: [Int32: Int64] = [:]
            for step in 0..<60 {
                // Occasionally more minutes than one script reads.
                let minutes = step % 20 == 19 ? 200 : 3
                for partition in 0..<3 as Range<Int32> {
                    let base = coverage[partition] ?? 0
                    let buckets = (0..<minutes).map { index in
                        Fixture.bucket(
                            present.advanced(by: -minutes + index),
                            Bool.random(using: &generator) ? Fixture.usd : Fixture.eur,
                            .random(in: 0...3, using: &generator),
                            .random(in: 0...1, using: &generator))
                    }
                    coverage[partition] = base + 1
                    let region = step % 2 == 0 ? Fixture.eu : Fixture.us
                    _ = try await Fixture.commit(
                        store,
                        [
                            Fixture.delta(
                                partition, base: step < 2 ? 0 : base - base % 2,
                                coverage: base + 1, buckets)
                        ], region: region)
                }
                let refresh = try await reader.refresh(since: position, regions: Fixture.regions)
                if refresh.isFull { seen = [:] }
                position = refresh.position
                for minute in refresh.minutes {
                    var region = seen[minute.region] ?? [:]
                    region = region.filter { $0.key.minute != minute.minute }
                    for entry in minute.values {
                        region[.init(minute: minute.minute, currency: entry.currency)] = entry.value
                    }
                    seen[minute.region] = region
                }
                #expect(refresh.isFull == (step == 0))
            }
            let full = try await reader.refresh(since: nil, regions: Fixture.regions)
            #expect(full.isFull)
            for region in Fixture.regions {
                #expect(Fixture.values(full, region) == seen[region], "seed 11")
                #expect(seen[region]?.isEmpty == false)
            }
            await store.stop()
            await reader.stop()
        }
    }

    @Test func `refreshes during concurrent writes are never torn`() async throws {
        try await RedisServer.with { server in
            let writer = try Fixture.store(server)
            let reader = try Fixture.store(server)
            // Each commit sets all minutes of both shards to one number: a view that mixes two
            // commits of one shard, or a watermark with other values, is noticed at once. The
            // minutes are more than one reader script takes.
            let minutes = (0..<150).map { present.advanced(by: $0 - 150) }
            let writing = Task {
                for number in 1...120 as ClosedRange<Int64> {
                    let buckets = minutes.map { Fixture.bucket($0, Fixture.usd, number, number) }
                    _ = try await Fixture.commit(
                        writer, [Fixture.delta(base: 0, coverage: number, buckets)])
                }
            }
            let shard = ShardID(region: Fixture.eu, log: Fixture.log, partition: 0)
            var position: StorePosition?
            var seen: [Fixture.Place: BucketValue] = [:]
            var views = 0
            while seen.values.first?.settled != 120 {
                let refresh = try await reader.refresh(since: position, regions: Fixture.regions)
                position = refresh.position
                for minute in refresh.minutes where minute.region == Fixture.eu {
                    seen[.init(minute: minute.minute, currency: Fixture.usd)] =
                        minute.values.first?.value
                }
                guard let standing = refresh.standings[shard] else { continue }
                views += 1
                try #require(seen.count == minutes.count)
                try #require(Set(seen.values.map(\.settled)) == [standing.watermark])
            }
            try await writing.value
            #expect(views > 3)
            await writer.stop()
            await reader.stop()
        }
    }

    @Test func `another database, or an older state of it, is read in full`() async throws {
        try await RedisServer.with { server in
            let store = try Fixture.store(server)
            func push(_ coverage: Int64) async throws {
                _ = try await Fixture.commit(
                    store,
                    [
                        Fixture.delta(
                            base: 0, coverage: coverage,
                            [Fixture.bucket(present, Fixture.usd, coverage)])
                    ])
            }
            try await push(1)
            try await push(2)
            let first = try await store.refresh(since: nil, regions: Fixture.regions)
            #expect(first.position.version == 2)
            try server.cli("HSET", "store", "version", "1")
            let older = try await store.refresh(since: first.position, regions: Fixture.regions)
            #expect(older.isFull)
            #expect(older.position.version == 1)
            try server.cli("FLUSHALL")
            let wiped = try await store.refresh(since: older.position, regions: Fixture.regions)
            #expect(wiped.isFull)
            #expect(wiped.minutes == [])
            try await push(3)
            let refilled = try await store.refresh(since: wiped.position, regions: Fixture.regions)
            #expect(refilled.isFull)
            #expect(refilled.position.storeID != first.position.storeID)
            #expect(
                Fixture.values(refilled, Fixture.eu)
                    == [
                        .init(minute: present, currency: Fixture.usd): .init(
                            settled: 3, transfers: 1)
                    ])
            await store.stop()
        }
    }
}
