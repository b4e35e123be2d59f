import CivilTime
import DeltaProtocol
import Foundation
import HTTPTestSupport
import HeadquartersService
import Identifiers
import Money
import Testing
import Topology

@Suite(.serialized) struct HeadquartersServiceTests {
    static func bucket(_ currency: String, _ settled: Int64, minutesAgo: Int = 1) -> Bucket {
        Bucket(
            minute: HeadquartersScope.now.minute.advanced(by: -minutesAgo),
            currency: Currency(code: currency)!,
            value: BucketValue(settled: settled, transfers: 1))
    }

    static func ratesFile(in folder: URL, _ text: String = HeadquartersScope.rates) throws -> String
    {
        let path = folder.appending(path: "rates.json").path
        try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        return path
    }

    @Test("A region's file can be removed only after its money has left")
    func forgottenRegion() async throws {
        let redis = try RedisProcess()
        try redis.start()
        let topology = HeadquartersScope.topology(redis: redis.socket, ratesFile: nil)
        try await HeadquartersScope.with(topology) { scope in
            let outcome = await scope.push(
                base: 0, coverage: 3, buckets: [Self.bucket("EUR", 5, minutesAgo: 1_000)])
            #expect(outcome == .committed)
        }
        var other = topology
        other.regions[0].id = RegionID("us-east")!
        let without = other
        let refused = await #expect(throws: ForgottenRegions.self) {
            try await HeadquartersScope.with(without) { _ in }
        }
        #expect(refused?.regions == [HeadquartersScope.eu])
        // Other keys of the region say nothing about money.
        let minute = HeadquartersScope.now.minute.advanced(by: -1_000).number
        for key in try redis.command("KEYS", "shard:eu-west:main:0:*").split(separator: "\n") {
            #expect(key.hasSuffix("\(minute)") || key.hasSuffix("\(minute - 1)"))
            try redis.command("DEL", String(key))
        }
        #expect(try redis.command("EXISTS", "liveness:eu-west") == "1")
        try await HeadquartersScope.with(without) { scope in
            let status = try await scope.total().status
            #expect(status == 503)
        }
    }

    @Test("A region's pushes are published, converted exactly")
    func pushToTotal() async throws {
        let redis = try RedisProcess()
        try redis.start()
        let rates = try Self.ratesFile(in: redis.folder)
        let topology = HeadquartersScope.topology(redis: redis.socket, ratesFile: rates)
        try await HeadquartersScope.with(topology) { scope in
            #expect(try await scope.total().status == 503)
            let (eur, usd, jpy): (Int64, Int64, Int64) = (123_456_789, 1_005, 9_999_999)
            let outcome = await scope.push(
                base: 0, coverage: 3,
                buckets: [
                    Self.bucket("EUR", eur, minutesAgo: 1_000), Self.bucket("JPY", jpy),
                    Self.bucket("USD", usd),
                ])
            #expect(outcome == .committed)
            let total = try await scope.total { !$0.isDegraded }

            // In cents: EUR × 1.0842, USD, and JPY × 100 × 1.0842 ÷ 161.25, over 10,000 · 16,125.
            let denominator: Int128 = 10_000 * 16_125
            let numerator =
                Int128(eur) * 10_842 * 16_125 + Int128(usd) * denominator
                + Int128(jpy) * 10_842 * 10_000
            let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: denominator)
            let rounded = quotient + (remainder * 2 > denominator ? 1 : 0)
            #expect(remainder * 2 != denominator)
            #expect(
                total?.totalAmount == Decimal(string: "\(rounded)")! / 100, "\(total as Any)")
            #expect(try await scope.total("GBP").status == 400)
            let text = try await scope.total("KWD").text
            #expect(text.contains(/"total_amount":[0-9]+\.[0-9]{3},/), "\(text)")

            // A repeat changes nothing, a heartbeat keeps it fresh.
            #expect(await scope.push(base: 0, coverage: 2, buckets: []) == .repeat)
            #expect(await scope.push(base: 3, coverage: 3, buckets: []) == .committed)
            #expect(await scope.push(base: 9, coverage: 10, buckets: []) == .behind)
        }
    }

    @Test("A wiped store never lowers the total, and it is degraded until refilled")
    func wipedStore() async throws {
        let redis = try RedisProcess()
        try redis.start()
        let rates = try Self.ratesFile(in: redis.folder)
        let topology = HeadquartersScope.topology(redis: redis.socket, ratesFile: rates)
        let buckets = [Self.bucket("USD", 5_000_000, minutesAgo: 600), Self.bucket("USD", 42)]
        let cli = SendableRedis(redis)
        try await HeadquartersScope.with(topology) { scope in
            #expect(await scope.push(base: 0, coverage: 7, buckets: buckets) == .committed)
            let full = Decimal(string: "50000.42")!
            #expect(try await scope.total { $0.totalAmount == full } != nil)

            try cli.redis.command("FLUSHALL")
            let degraded = try await scope.total { total in
                #expect(total.totalAmount == full)
                return total.isDegraded
            }
            #expect(degraded != nil)
            // The reply to the region's next push tells it, and it sends everything.
            #expect(await scope.push(base: 7, coverage: 7, buckets: []) == .behind)
            // A part of it is not enough.
            #expect(await scope.push(base: 0, coverage: 5, buckets: [buckets[0]]) == .committed)
            for _ in 0..<60 {
                let total = try #require(try await scope.total().total)
                #expect(total.totalAmount == full)
                #expect(total.isDegraded)
                try await Task.sleep(for: .milliseconds(25))
            }
            #expect(
                await scope.push(
                    base: 5, coverage: 8,
                    buckets: [buckets[1], Self.bucket("USD", 58, minutesAgo: 0)]) == .committed)
            let back = try await scope.total { total in
                #expect(total.totalAmount >= full)
                return !total.isDegraded
            }
            #expect(back?.totalAmount == Decimal(string: "50001"))
        }
    }

    @Test("Without Redis HQ starts and answers 503; it survives Redis restarts")
    func withoutRedis() async throws {
        let redis = try RedisProcess()
        let rates = try Self.ratesFile(in: redis.folder)
        let topology = HeadquartersScope.topology(redis: redis.socket, ratesFile: rates)
        let cli = SendableRedis(redis)
        try await HeadquartersScope.with(topology) { scope in
            #expect(try await scope.total().status == 503)
            #expect(await scope.push(base: 0, coverage: 1, buckets: []) == nil)
            try cli.redis.start()
            let buckets = [Self.bucket("USD", 42)]
            let deadline = ContinuousClock.now + .seconds(10)
            while await scope.push(base: 0, coverage: 1, buckets: buckets) != .committed {
                try #require(ContinuousClock.now < deadline)
                try await Task.sleep(for: .milliseconds(50))
            }
            let whole = Decimal(string: "0.42")!
            #expect(
                try await scope.total {
                    $0.totalAmount == whole && !$0.isDegraded
                } != nil)

            cli.redis.stop()
            let lost = try await scope.total { $0.isDegraded }
            #expect(lost?.totalAmount == whole)
            #expect(await scope.push(base: 1, coverage: 1, buckets: []) == nil)
            // Redis returns empty.
            try cli.redis.start()
            let again = ContinuousClock.now + .seconds(10)
            while await scope.push(base: 1, coverage: 1, buckets: []) != .behind {
                try #require(ContinuousClock.now < again)
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(try await scope.total().total?.totalAmount == whole)
            #expect(await scope.push(base: 0, coverage: 1, buckets: buckets) == .committed)
            let back = try await scope.total {
                #expect($0.totalAmount == whole)
                return !$0.isDegraded
            }
            #expect(back != nil)
        }
    }

    @Test("Changed rates are used, bad ones refused, and missing ones degrade what needs them")
    func rates() async throws {
        let redis = try RedisProcess()
        try redis.start()
        let path = redis.folder.appending(path: "rates.json").path
        let folder = redis.folder
        let topology = HeadquartersScope.topology(redis: redis.socket, ratesFile: path)
        try await HeadquartersScope.with(topology) { scope in
            let buckets = [Self.bucket("EUR", 10_000), Self.bucket("USD", 100)]
            #expect(await scope.push(base: 0, coverage: 2, buckets: buckets) == .committed)
            // No file yet: each base has only its own money, labelled.
            let alone = try await scope.total { _ in true }
            #expect(alone?.totalAmount == 1)
            #expect(alone?.isDegraded == true)

            _ = try Self.ratesFile(in: folder)
            let converted = try await scope.total { !$0.isDegraded }
            #expect(converted?.totalAmount == Decimal(string: "109.42"))

            _ = try Self.ratesFile(in: folder, "{\"base\": \"EUR\", \"rates\": {\"USD\": \"0\"}}")
            // Longer than the interval between checks of the file.
            for _ in 0..<30 {
                #expect(try await scope.total().total?.totalAmount == Decimal(string: "109.42"))
                try await Task.sleep(for: .milliseconds(50))
            }

            let other = HeadquartersScope.rates.replacing("1.0842", with: "2")
            _ = try Self.ratesFile(in: folder, other)
            let changed = try await scope.total { $0.totalAmount == 201 }
            #expect(changed?.isDegraded == false)

            // The currency of one region loses its rate, so it is left out.
            let less = HeadquartersScope.rates.replacing(#""USD": "1.0842", "#, with: "")
            _ = try Self.ratesFile(in: folder, less)
            let partial = try await scope.total("EUR") { $0.isDegraded }
            #expect(partial?.totalAmount == 100)
            #expect(try await scope.total("USD").status == 503)
        }
    }

    @Test("It stops gracefully while a client keeps its connection open")
    func stops() async throws {
        let redis = try RedisProcess()
        try redis.start()
        let topology = HeadquartersScope.topology(redis: redis.socket, ratesFile: nil)
        // The clock starts after the server: only the stop is timed.
        let kept = try await withKept { kept in
            try await HeadquartersScope.with(topology) { scope in
                let connection = try RawConnection(port: scope.publicPort)
                await connection.send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try await connection.response().status == 200)
                await kept((connection, ContinuousClock.now))
            }
        }
        let (connection, begin) = try #require(kept)
        #expect(await connection.isClosedByServer())
        #expect(ContinuousClock.now - begin < .seconds(8))
    }

    /// Passes a value out of a scope.
    private func withKept<Value: Sendable>(
        _ body: (@escaping @Sendable (Value) async -> Void) async throws -> Void
    ) async rethrows -> Value? {
        let box = Box<Value>()
        try await body { await box.set($0) }
        return await box.value
    }

    private actor Box<Value: Sendable> {
        var value: Value?
        func set(_ value: Value) { self.value = value }
    }
}

/// A test's Redis, used by one task at a time.
struct SendableRedis: @unchecked Sendable {
    let redis: RedisProcess

    init(_ redis: RedisProcess) { self.redis = redis }
}
