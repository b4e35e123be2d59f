import CivilTime
import DeltaProtocol
import Federation
import Foundation
import HTTPTestSupport
import HeadquartersService
import Money
import Publishing
import Synchronization
import Testing

/// Restarts HQ with a store that has lost the published data.
@Suite(.serialized) struct RestartTests {
    static func state(in redis: RedisProcess) -> @Sendable (inout HeadquartersConfiguration) -> Void
    {
        let path = redis.folder.appending(path: "hq.state").path
        return { $0.stateFile = path }
    }

    @Test("With an emptied Redis it shows the last total at once, labelled, until refilled")
    func emptied() async throws {
        let redis = try RedisProcess()
        try redis.start()
        let cli = SendableRedis(redis)
        let rates = try HeadquartersServiceTests.ratesFile(in: redis.folder)
        let topology = HeadquartersScope.topology(redis: redis.socket, ratesFile: rates)
        let buckets = [
            HeadquartersServiceTests.bucket("USD", 5_000_000, minutesAgo: 600),
            HeadquartersServiceTests.bucket("USD", 42),
        ]
        let full = Decimal(string: "50000.42")!
        let shown = Kept()
        try await HeadquartersScope.with(topology, configure: Self.state(in: redis)) { scope in
            #expect(await scope.push(base: 0, coverage: 7, buckets: buckets) == .committed)
            let total = try await scope.total {
                $0.totalAmount == full && !$0.isDegraded
            }
            shown.value = total?.dataAsOf ?? "none"
        }
        let before = shown.value
        #expect(before != "none")
        try cli.redis.command("FLUSHALL")

        try await HeadquartersScope.with(topology, configure: Self.state(in: redis)) { scope in
            let shownFirst = try await scope.total { _ in true }
            let first = try #require(shownFirst)
            #expect(first.totalAmount == full)
            #expect(first.isDegraded)
            #expect(first.dataAsOf >= before)
            #expect(await scope.push(base: 7, coverage: 7, buckets: []) == .behind)
            #expect(await scope.push(base: 0, coverage: 5, buckets: [buckets[0]]) == .committed)
            for _ in 0..<60 {
                let total = try #require(try await scope.total().total)
                #expect(total.totalAmount == full)
                #expect(total.isDegraded)
                #expect(total.dataAsOf >= before)
                try await Task.sleep(for: .milliseconds(25))
            }
            #expect(
                await scope.push(base: 5, coverage: 7, buckets: [buckets[1]]) == .committed)
            let back = try await scope.total { total in
                #expect(total.totalAmount == full)
                return !total.isDegraded
            }
            #expect(back != nil)
        }
    }

    @Test("A state file removed while headquarters runs is written again completely")
    func removedFile() async throws {
        let redis = try RedisProcess()
        try redis.start()
        let topology = HeadquartersScope.topology(redis: redis.socket, ratesFile: nil)
        let path = redis.folder.appending(path: "hq.state").path
        try await HeadquartersScope.with(topology, configure: Self.state(in: redis)) { scope in
            var usd = HeadquartersServiceTests.bucket("USD", 0)
            for step in Int64(1)...3 {
                if step > 1 { try FileManager.default.removeItem(atPath: path) }
                // Another file may have replaced it.
                if step == 3 { try Data("x".utf8).write(to: URL(fileURLWithPath: path)) }
                usd.value.settled = step * 100
                #expect(
                    await scope.push(base: step - 1, coverage: step, buckets: [usd]) == .committed)
                let end = ContinuousClock.now + .seconds(60)
                var amount: Int64?
                while amount != step * 100, ContinuousClock.now < end {
                    let found = FileManager.default.contents(atPath: path).flatMap {
                        try? CheckpointCodec.decode(Array($0)).checkpoint
                    }
                    amount = found?.regions[0].minutes.last?.values.last?.value.settled
                    try await Task.sleep(for: .milliseconds(20))
                }
                #expect(amount == step * 100)
            }
        }
    }

    @Test("Without Redis it serves its saved state; a killed process loses at most one tick")
    func withoutRedis() async throws {
        let redis = try RedisProcess()
        try redis.start()
        let cli = SendableRedis(redis)
        let topology = HeadquartersScope.topology(redis: redis.socket, ratesFile: nil)
        let path = redis.folder.appending(path: "hq.state").path
        let killed = path + ".killed"
        try await HeadquartersScope.with(topology, configure: Self.state(in: redis)) { scope in
            // The same minute for all three, even if the clock's minute ends in between.
            var usd = HeadquartersServiceTests.bucket("USD", 0)
            for step in Int64(1)...3 {
                usd.value.settled = step * 100
                #expect(
                    await scope.push(base: step - 1, coverage: step, buckets: [usd])
                        == .committed)
                #expect(
                    try await scope.total { $0.totalAmount == Decimal(step) } != nil)
            }
            // The state after a kill: within a tick, the changes are in the file.
            let end = ContinuousClock.now + .seconds(60)
            var amount: Int64?
            while amount != 300, ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(50))
                // The first totals may be out before the first whole file is.
                guard let bytes = FileManager.default.contents(atPath: path) else { continue }
                try bytes.write(to: URL(filePath: killed))
                amount = Self.settled(Array(bytes))
            }
            #expect(amount == 300)
        }
        cli.redis.stop()
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: killed, toPath: path)
        try await HeadquartersScope.with(topology, configure: Self.state(in: redis)) { scope in
            // A port that answers has a total.
            let shownFirst = try await scope.total()
            #expect(shownFirst.status == 200)
            let first = try #require(shownFirst.total)
            #expect(first.totalAmount == 3)
            #expect(first.isDegraded)
            #expect(try await scope.total("EUR").status == 200)
        }
    }

    /// The newest USD sum of a state file.
    private static func settled(_ bytes: [UInt8]) -> Int64? {
        (try? CheckpointCodec.decode(bytes).checkpoint)?.regions.first?.minutes.flatMap(\.values)
            .map(\.value.settled).reduce(0, max)
    }

    @Test(
        "A damaged, foreign or future file is refused, and HQ starts as if there were none",
        arguments: ["damaged", "foreign", "future", "folder", "cannot be written"])
    func refusedFile(kind: String) async throws {
        let redis = try RedisProcess()
        try redis.start()
        let path = redis.folder.appending(path: "hq.state").path
        switch kind {
        case "damaged":
            try Data("tributary hq 1\n\u{1}abcdefgh".utf8).write(to: URL(filePath: path))
        case "foreign": try Data(repeating: 7, count: 100_000).write(to: URL(filePath: path))
        case "future": try Data("tributary hq 99\n".utf8).write(to: URL(filePath: path))
        case "folder":
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false)
        default:
            try FileManager.default.createDirectory(
                atPath: path + ".new", withIntermediateDirectories: false)
        }
        let topology = HeadquartersScope.topology(redis: redis.socket, ratesFile: nil)
        try await HeadquartersScope.with(topology, configure: Self.state(in: redis)) { scope in
            #expect(try await scope.total().status == 503)
            let usd = HeadquartersServiceTests.bucket("USD", 100)
            #expect(await scope.push(base: 0, coverage: 1, buckets: [usd]) == .committed)
            let total = try await scope.total { $0.totalAmount == 1 }
            #expect(total != nil)
        }
        // A file that can be replaced has been.
        let isReadable = (try? Data(contentsOf: URL(filePath: path))).flatMap {
            try? CheckpointCodec.decode(Array($0))
        }
        let isExpected = ["damaged", "foreign", "future"].contains(kind)
        #expect((isReadable != nil) == isExpected)
    }

    /// A value that one scope passes to the next.
    private final class Kept: Sendable {
        private let text = Mutex("")

        var value: String {
            get { text.withLock { $0 } }
            set { text.withLock { $0 = newValue } }
        }
    }
}
