import CivilTime
import DeltaProtocol
import KafkaClient
import Money
import RegionService
import Testing

/// HQ's commands to a region, with real pushes and a real topic.
@Suite struct CommandTests {
    static func command(_ id: String, delta: Int64, before: Int64, at time: UnixTime)
        -> NodeCommand
    {
        NodeCommand(
            id: id,
            kind: .publish(
                BucketCorrection(
                    currency: Currency(code: "EUR")!, minute: time.minute, delta: delta,
                    before: before, reason: "found by \"night\"", requestedBy: "auditor",
                    issuedAt: time)))
    }

    @Test("HQ's correction is published once, counts, and its position is reported")
    func publishes() async throws {
        try await withRegion(partitions: 2) { region in
            let headquarters = region.headquarters
            let now = Values.now()
            try await region.produce(Values.transfers(3, now: now).values)
            // Offered in every reply, but executed only once.
            headquarters.offer([Self.command("c-1", delta: -40, before: 0, at: now)])
            try await region.withNode { () async throws in
                let place = StubHeadquarters.Place(
                    minute: now.minute, currency: Currency(code: "EUR")!)
                #expect(
                    try await eventually {
                        headquarters.shard(0)?.buckets[place]?.correction == -40
                    })
                #expect(
                    try await eventually {
                        headquarters.outcomes.contains(
                            CommandOutcome(
                                command: "c-1", result: .published(partition: 0, offset: 3)))
                    })
                let told = headquarters.outcomes.count
                // Still offered, so its outcome is reported repeatedly, but it is not published
                // again.
                #expect(try await eventually { headquarters.outcomes.count > told + 2 })
                #expect(headquarters.watermark(0) == 4)
                #expect(headquarters.shard(0)?.buckets[place]?.correction == -40)
            }
        }
    }

    @Test("A correction that Kafka refuses is reported as failed")
    func refused() async throws {
        try await withRegion(partitions: 1) { region in
            let headquarters = region.headquarters
            let now = Values.now()
            headquarters.offer([Self.command("c-2", delta: 1, before: 0, at: now)])
            region.cluster.pushErrors([.messageTooLarge], to: .produce)
            try await region.withNode { () async throws in
                #expect(
                    try await eventually {
                        headquarters.outcomes.contains {
                            if case .failed = $0.result { $0.command == "c-2" } else { false }
                        }
                    })
                // HQ offers it again, so the node retries it.
                #expect(
                    try await eventually {
                        headquarters.outcomes.contains {
                            if case .published = $0.result { $0.command == "c-2" } else { false }
                        }
                    })
            }
        }
    }
}
