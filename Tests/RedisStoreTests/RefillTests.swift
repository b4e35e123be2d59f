import CivilTime
import DeltaProtocol
import Federation
import Foundation
import Glibc
import Identifiers
import Money
import RedisStore
import Testing

/// Processor time of Redis and this process, which a busy machine does not change.
private struct ProcessorTime: CustomStringConvertible {
    var redis: Double
    var own: Double

    init(_ server: RedisServer) throws {
        redis = try server.cli("INFO", "cpu").split(whereSeparator: \.isNewline)
            .filter { $0.hasPrefix("used_cpu_sys:") || $0.hasPrefix("used_cpu_user:") }
            .compactMap { $0.split(separator: ":").last.flatMap { Double($0) } }.reduce(0, +)
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        own = Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    func since(_ earlier: ProcessorTime) -> ProcessorTime {
        var difference = self
        difference.redis -= earlier.redis
        difference.own -= earlier.own
        return difference
    }

    var description: String {
        "processor time: Redis \(Int(redis * 1_000)) ms, store \(Int(own * 1_000)) ms"
    }
}

/// How long refilling a wiped Redis takes: 3 regions × 6 partitions × 1,440 minutes × 50
/// currencies.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["TRIBUTARY_MEASURE"] != nil))
struct RefillTests {
    /// The maximum time of a whole refill.
    private static let goal = Duration.seconds(5)

    @Test func `three regions refill a wiped store within five seconds`() async throws {
        try await RedisServer.with { server in
            let regions = ["ap-south", "eu-west", "us-east"].map { RegionID(unchecked: $0) }
            let store = try Fixture.store(server, regions: regions)
            let present = Fixture.now().minute
            let currencies = Currency.all.prefix(50)
            var requests: [DeltaRequest] = []
            for region in regions {
                let shards = (0..<6 as Range<Int32>).map { partition in
                    var buckets: [Bucket] = []
                    for ago in (0..<1_440).reversed() {
                        for currency in currencies {
                            buckets.append(
                                Fixture.bucket(
                                    present.advanced(by: -ago), currency,
                                    1_000_000 + Int64(ago) * 97 + Int64(partition),
                                    Int64(ago % 50 + 1)))
                        }
                    }
                    return Fixture.delta(partition, base: 0, coverage: 100_000, buckets)
                }
                requests.append(Fixture.request(shards, region: region))
            }
            for round in ["empty", "standing"] {
                let start = ContinuousClock.now
                let before = try ProcessorTime(server)
                for request in requests {
                    let reply = try await store.commit(
                        request, knownLogs: Fixture.logs, now: Fixture.now())
                    #expect(reply.shards.allSatisfy { $0.outcome == .committed })
                }
                let used = try ProcessorTime(server).since(before)
                let elapsed = ContinuousClock.now - start
                print("refill \(round): \(elapsed) elapsed, \(used)")
                let hundredths = Int(elapsed / Self.goal * 100)
                print("refill \(round): ratio to the goal of \(Self.goal): 0.01 × \(hundredths)")
                #expect(elapsed < Self.goal, "\(round)")
                for region in regions { _ = try await store.dropWatermarks(region: region) }
            }
            let before = try ProcessorTime(server)
            let full = try await store.refresh(since: nil, regions: regions)
            let read = try ProcessorTime(server)
            print("full refresh of \(full.minutes.count): \(read.since(before))")
            let done = try await store.maintenance(now: Fixture.now())
            let verified = try ProcessorTime(server)
            print("verification of \(done.verifiedMinutes): \(verified.since(read))")
            _ = try await store.maintenance(now: Fixture.now() + 60_000)
            print("presence check: \(try ProcessorTime(server).since(verified))")
            #expect(done.repairedKeys == 0)
            let expected = Int64(3) * (6 * (1_000_000 + 5 * 97) + 0 + 1 + 2 + 3 + 4 + 5)
            #expect(
                try server.cli("GET", "metric:\(currencies[0].code):\(present.number - 5)")
                    == String(expected))
            print(try server.cli("INFO", "memory").split(separator: "\r\n").prefix(3))
            await store.stop()
        }
    }
}
