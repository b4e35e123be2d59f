import CivilTime
import DeltaProtocol
import Identifiers
import KafkaClient
import RegionService
import Testing
import Topology

/// The observed-through that a node reports.
@Suite struct ObservedThroughTests {
    /// Idle pushes come every two seconds, and a query to the broker waits up to 5 s for its
    /// answer: the last of this many pushes comes after the first query has ended.
    private static let pushesPastAQuestion = 4

    @Test("Under a relay, only its markers count as observed")
    func relayed() async throws {
        try await withRegion(partitions: 1) { region in
            let headquarters = region.headquarters
            let now = Values.now()
            let marked = now - 60_000
            try await region.produce(Values.transfers(3, now: now).values)
            try await region.withNode(region.service { $0.region.isRelayed = true }) {
                () async throws in
                // The node queries the log's end every second and reports it every two.
                #expect(
                    try await eventually {
                        headquarters.watermark(0) == 3
                            && headquarters.deltas.count > Self.pushesPastAQuestion
                    })
                #expect(headquarters.deltas.allSatisfy { $0.observedThrough == nil })
                try await region.produce([Values.marker(at: marked)])
                #expect(try await eventually { headquarters.watermark(0) == 4 })
                let told = headquarters.deltas.count
                #expect(try await eventually { headquarters.deltas.count >= told + 2 })
                #expect(headquarters.deltas.last?.observedThrough == marked)
            }
        }
    }

    @Test("While the broker does not answer, observed-through does not advance")
    func unreachableBroker() async throws {
        try await withRegion(partitions: 1) { region in
            let headquarters = region.headquarters
            let produced = Values.now()
            try await region.produce(Values.transfers(3, now: produced).values)
            try await region.withNode { () async throws in
                // An idle log is observed up to the last query for its end.
                let later = produced + 2_000
                #expect(
                    try await eventually {
                        headquarters.watermark(0) == 3
                            && headquarters.deltas.last?.observedThrough.map { $0 > later } ?? false
                    })
                try region.cluster.takeDown()
                // In whole seconds, rounded up.
                let unreachable = Values.now() + 1_000
                let pushed = headquarters.deltas.count
                #expect(
                    try await eventually {
                        headquarters.deltas.count > pushed + Self.pushesPastAQuestion
                    })
                let claimed = headquarters.deltas.dropFirst(pushed).compactMap(\.observedThrough)
                #expect(claimed.count > Self.pushesPastAQuestion)
                #expect(claimed.allSatisfy { $0 <= unreachable })
                // A node that cannot leave its group takes longer to stop.
                try region.cluster.bringUp()
            }
        }
    }
}
