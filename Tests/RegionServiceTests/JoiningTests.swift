import DeltaClient
import DeltaProtocol
import Identifiers
import KafkaClient
import RegionService
import Testing
import Topology

/// Partitions that cannot be folded, together with others that can.
@Suite struct JoiningTests {
    @Test("A partition that ends below HQ's watermark stops its shard; the others continue")
    func endsBelowWatermark() async throws {
        try await withRegion(partitions: 2) { region in
            let headquarters = region.headquarters
            let (values, amounts) = Values.transfers(5, now: Values.now())
            try await region.produce(values, partition: 0)
            try await region.produce(values, partition: 1)
            headquarters.claim(0, watermark: 1_000)
            try await region.withNode { () async throws in
                #expect(try await eventually { headquarters.watermark(1) == 5 })
                // A folding shard sends a heartbeat at least every two seconds.
                let pushed = headquarters.deltas.count
                #expect(try await eventually { headquarters.deltas.count >= pushed + 2 })
                #expect(headquarters.shard(1)?.settled == amounts)
            }
            #expect(headquarters.deltas.allSatisfy { $0.partition == 1 })
            #expect(try await region.committed(0) == nil)
            #expect(try await region.committed(1) == 5)
        }
    }

    @Test("Queries for shards that join together run in parallel")
    func sideBySide() async throws {
        let partitions: Int32 = 12
        try await withRegion(partitions: partitions) { region in
            for partition in 0..<partitions {
                let (values, _) = Values.transfers(1, now: Values.now(), prefix: "\(partition)")
                try await region.produce(values, partition: partition)
            }
            // About eight answers per shard: one after the other they would take 38 s.
            try region.cluster.setRoundTrip(milliseconds: 400)
            try await region.withNode { () async throws in
                #expect(
                    try await eventually {
                        (0..<partitions).allSatisfy { region.headquarters.watermark($0) == 1 }
                    })
            }
        }
    }

    @Test("A shard that HQ knows from another topic stops before any letter; others continue")
    func foreignRecord() async throws {
        try await withRegion(partitions: 2) { region in
            let headquarters = region.headquarters
            let (values, amounts) = Values.transfers(5, now: Values.now())
            try await region.produce((0..<3).map { Array("no record \($0)".utf8) }, partition: 0)
            try await region.produce(values, partition: 1)
            headquarters.claim(
                0, watermark: 2, fingerprint: Fingerprint(offset: 1, timestamp: 1, crc: 2))
            let log = NodeLog()
            try await region.withNode(region.service(logger: log.logger)) { () async throws in
                #expect(try await eventually { log.count("alarm=foreign_record") == 1 })
                #expect(try await eventually { headquarters.watermark(1) == 5 })
                let more = Values.transfers(2, now: Values.now(), prefix: "more")
                try await region.produce([Array("no record 3".utf8)], partition: 0)
                try await region.produce(more.values, partition: 1)
                #expect(try await eventually { headquarters.watermark(1) == 7 })
                let both = amounts.merging(more.amounts, uniquingKeysWith: +)
                #expect(headquarters.shard(1)?.settled == both)
            }
            #expect(try await region.deadLetterCount() == 0)
            #expect(headquarters.deltas.allSatisfy { $0.partition == 1 })
            #expect(try await region.committed(0) == nil)
        }
    }

    @Test("If one HQ is away, shards join by the other's answer after a while")
    func nextHeadquarters() async throws {
        try await withRegion(partitions: 1) { region in
            let headquarters = region.headquarters
            let (values, amounts) = Values.transfers(5, now: Values.now())
            try await region.produce(values)
            headquarters.claim(0, watermark: 2)
            let away = try closedPort()
            let service = region.service {
                $0.headquartersTimeout = .seconds(2)
                $0.headquarters.insert(
                    DeltaClientConfiguration(url: "http://127.0.0.1:\(away)"), at: 0)
            }
            try await region.withNode(service) { () async throws in
                #expect(try await eventually { headquarters.watermark(0) == 5 })
                // Its state at HQ stays: the node knew its watermark.
                #expect(headquarters.deltas.first?.base == 2)
                #expect(
                    headquarters.shard(0)?.settled.values.sorted()
                        == amounts.values.sorted().suffix(3))
            }
            // Commits wait for the other HQ.
            #expect(try await region.committed() == nil)
        }
    }

    @Test("A partition without a leader does not keep the others from starting")
    func withoutLeader() async throws {
        try await withRegion(partitions: 2) { region in
            let headquarters = region.headquarters
            let (values, amounts) = Values.transfers(5, now: Values.now())
            try await region.produce(values, partition: 0)
            try await region.produce(values, partition: 1)
            try region.cluster.setLeader(-1, topic: region.region.topic, partition: 0)
            try await region.withNode { () async throws in
                #expect(try await eventually { headquarters.watermark(1) == 5 })
                #expect(headquarters.shard(1)?.settled == amounts)
                #expect(headquarters.shard(0) == nil)
                try region.cluster.setLeader(1, topic: region.region.topic, partition: 0)
                #expect(try await eventually { headquarters.watermark(0) == 5 })
            }
        }
    }
}
