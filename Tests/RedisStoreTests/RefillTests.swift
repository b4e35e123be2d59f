import CivilTime
import DeltaProtocol
import Federation
import Foundation
import Money
import RedisStore
import Testing
import Topology

/// How long a wiped Redis takes to fill: 3 regions × 6 partitions × 1,440 minutes × 50 currencies.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["TRIBUTARY_MEASURE"] != nil))
struct RefillTests {
    @Test func `a wiped store is filled from three regions`() async throws {
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
                for request in requests {
                    let began = ContinuousClock.now
                    let reply = try await store.commit(
                        request, knownLogs: Fixture.logs, now: Fixture.now())
                    #expect(reply.shards.allSatisfy { $0.outcome == .committed })
                    print("refill \(round) \(request.region): \(ContinuousClock.now - began)")
                }
                print("refill \(round): \(ContinuousClock.now - start)")
                for region in regions { _ = try await store.dropWatermarks(region: region) }
            }
            let start = ContinuousClock.now
            let full = try await store.refresh(since: nil, regions: regions)
            print("full refresh of \(full.minutes.count): \(ContinuousClock.now - start)")
            let began = ContinuousClock.now
            let done = try await store.maintenance(now: Fixture.now())
            print("verification of \(done.verifiedMinutes): \(ContinuousClock.now - began)")
            let again = ContinuousClock.now
            _ = try await store.maintenance(now: Fixture.now() + 60_000)
            print("presence check: \(ContinuousClock.now - again)")
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
