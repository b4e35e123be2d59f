import CivilTime
import DeltaProtocol
import Foundation
import HeadquartersService
import Identifiers
import Money
import Testing

/// Compares region and HQ by digests, with a real Redis.
@Suite(.serialized) struct DigestAuditTests {
    static let buckets = [
        HeadquartersServiceTests.bucket("EUR", 700, minutesAgo: 900),
        HeadquartersServiceTests.bucket("JPY", 41, minutesAgo: 30),
        HeadquartersServiceTests.bucket("USD", 5_000_000, minutesAgo: 30),
    ]

    static func digest(_ buckets: [Bucket]) -> ShardDelta.RangeDigest {
        var digest = ShardDigest()
        for bucket in buckets where range.contains(bucket.minute) {
            digest.add(bucket, isLate: false)
        }
        return .init(minutes: range, digest: digest)
    }

    /// The hour that ends with the current minute at the beginning of the test.
    static let range: ClosedRange<Minute> = {
        let last = HeadquartersScope.now.minute
        return last.advanced(by: -59)...last
    }()

    /// The contents of sums and shards in Redis, as text.
    static func content(_ redis: RedisProcess) throws -> [String] {
        var content: [String] = []
        for key in try redis.command("KEYS", "*:*").split(separator: "\n").sorted() {
            let parts = key.split(separator: ":")
            switch parts[0] {
            case "metric", "transfers":
                let value = try redis.command("GET", String(key))
                if value != "0" { content.append("\(key) \(value)") }
            case "shard":
                let fields = try redis.command("HGETALL", String(key)).split(separator: "\n")
                let pairs = stride(from: 0, to: fields.count, by: 2).map {
                    "\(fields[$0])=\(fields[$0 + 1])"
                }
                content.append("\(key) \(pairs.sorted().joined(separator: " "))")
            default: break
            }
        }
        return content
    }

    /// Damage to Redis by another client, and whether it affects the sums too.
    static let damages: [[[String]]] = [
        [["HSET", "SHARD", "USD", "999:1:0"]],
        [["HDEL", "SHARD", "JPY"]],
        [["HSET", "SHARD", "KWD", "5:5:0"]],
        [["HSET", "SHARD", "USD", "5000001:1:0"], ["INCRBY", "METRIC", "7"]],
        [["HSET", "SHARD", "USD", "4000000:1:0"], ["DEL", "METRIC"]],
    ]

    /// Waits for the first comparison of sums with shards: if it ran after the damage, readers
    /// would read the damaged hash.
    private static func awaitComparison(_ redis: RedisProcess) async throws {
        // Only the comparison uses MGET, twice per minute.
        let all = 2 * (Limits.retainedMinutes + Limits.windowMinutes - 60)
        let prefix = "cmdstat_mget:calls="
        let deadline = ContinuousClock.now + .seconds(60)
        var calls = 0
        while calls < all, ContinuousClock.now < deadline {
            let line = try redis.command("INFO", "commandstats").split(
                whereSeparator: \.isNewline
            ).first { $0.hasPrefix(prefix) }
            calls = line.flatMap { Int($0.dropFirst(prefix.count).prefix { $0 != "," }) } ?? 0
            try await Task.sleep(for: .milliseconds(20))
        }
        try #require(calls >= all)
    }

    @Test(
        "A digest finds damage to a shard's hashes, which is repaired exactly", arguments: damages)
    func heals(damage: [[String]]) async throws {
        let redis = try RedisProcess()
        try redis.start()
        let topology = HeadquartersScope.topology(redis: redis.socket, ratesFile: nil)
        let cli = SendableRedis(redis)
        try await HeadquartersScope.with(topology) { scope in
            let buckets = Self.buckets
            #expect(
                await scope.push(
                    base: 0, coverage: 9, buckets: buckets, digest: Self.digest(buckets))
                    == .committed)
            let whole = Decimal(string: "50000")!
            #expect(try await scope.total { $0.totalAmount == whole } != nil)
            let before = try Self.content(cli.redis)
            #expect(before.count == 2 + 2 * 3)
            try await Self.awaitComparison(cli.redis)

            // The same digest at the same coverage: nothing to repair.
            #expect(
                await scope.push(
                    base: 9, coverage: 9, buckets: [], digest: Self.digest(buckets))
                    == .committed)
            let minute = buckets[2].minute.number
            for command in damage {
                let words = command.map {
                    $0 == "SHARD"
                        ? "shard:eu-west:main:0:\(minute)"
                        : $0 == "METRIC" ? "metric:USD:\(minute)" : $0
                }
                try cli.redis.run(words)
            }
            #expect(try Self.content(cli.redis) != before)
            // A push without a digest finds nothing.
            #expect(await scope.push(base: 9, coverage: 9, buckets: []) == .committed)
            // A push with a digest finds it, and the reply asks for those minutes.
            let differing = await scope.reply(
                base: 9, coverage: 9, buckets: [], digest: Self.digest(buckets))
            #expect(differing?.outcome == .committed)
            #expect(differing?.heal == Self.range)
            #expect(try await scope.total().total?.totalAmount == whole)
            let healing = await scope.reply(
                base: 9, coverage: 9, buckets: buckets, digest: Self.digest(buckets),
                replaced: Self.range)
            #expect(healing?.outcome == .committed)
            #expect(healing?.heal == nil)
            #expect(try Self.content(cli.redis) == before)
            let healed = try await scope.total { total in
                #expect(total.totalAmount == whole)
                return !total.dataAsOf.isEmpty
            }
            #expect(healed != nil)
        }
    }

    @Test("A digest of another coverage, of expired minutes or of less history changes nothing")
    func incomparable() async throws {
        let redis = try RedisProcess()
        try redis.start()
        let topology = HeadquartersScope.topology(redis: redis.socket, ratesFile: nil)
        try await HeadquartersScope.with(topology) { scope in
            let buckets = Self.buckets
            #expect(await scope.push(base: 0, coverage: 9, buckets: buckets) == .committed)
            // The digest of an old repeat does not describe the current values.
            #expect(
                await scope.push(
                    base: 0, coverage: 8, buckets: [], digest: Self.digest([])) == .repeat)
            var expired = Self.digest([])
            let first = HeadquartersScope.now.minute.advanced(by: -Limits.retainedMinutes)
            expired.minutes = first...first.advanced(by: 59)
            let unseen = await scope.reply(base: 9, coverage: 9, buckets: [], digest: expired)
            #expect(unseen?.outcome == .committed)
            #expect(unseen?.heal == nil)
            // A wrong digest at the same coverage makes each reply ask again, and changes nothing.
            let wrong = Self.digest([buckets[0]])
            for _ in 0..<2 {
                let asked = await scope.reply(base: 9, coverage: 9, buckets: [], digest: wrong)
                #expect(asked?.outcome == .committed)
                #expect(asked?.heal == Self.range)
            }
        }
    }

    @Test("Beside money 20 hours ahead no hour's digest differs, and the total keeps its day")
    func moneyAhead() async throws {
        let redis = try RedisProcess()
        try redis.start()
        let topology = HeadquartersScope.topology(redis: redis.socket, ratesFile: nil)
        try await HeadquartersScope.with(topology) { scope in
            let hours = (0...23).reversed().map {
                HeadquartersServiceTests.bucket("USD", 100, minutesAgo: $0 * 60)
            }
            let buckets =
                hours + [
                    HeadquartersServiceTests.bucket("USD", 5, minutesAgo: -20 * 60)
                ]
            #expect(await scope.push(base: 0, coverage: 25, buckets: buckets) == .committed)
            let whole = Decimal(string: "24")!
            #expect(try await scope.total { $0.totalAmount == whole } != nil)
            let present = HeadquartersScope.now.minute
            var compared = 0
            for hour in -24..<24 {
                let first = present.advanced(by: hour * 60)
                let range = first...first.advanced(by: 59)
                var digest = ShardDigest()
                for bucket in buckets where range.contains(bucket.minute) {
                    digest.add(bucket, isLate: false)
                    compared += 1
                }
                let reply = await scope.reply(
                    base: 25, coverage: 25, buckets: [],
                    digest: .init(minutes: range, digest: digest))
                #expect(reply?.outcome == .committed)
                #expect(reply?.heal == nil, "hour \(hour)")
            }
            #expect(compared == buckets.count)
            let total = try await scope.total { total in
                #expect(total.totalAmount == whole)
                return !total.dataAsOf.isEmpty
            }
            #expect(total != nil)
        }
    }
}
