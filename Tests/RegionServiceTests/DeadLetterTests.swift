import DeltaProtocol
import Identifiers
import KafkaClient
import RegionService
import Testing
import Topology

/// Dead letters that their topic does not accept.
@Suite struct DeadLetterTests {
    private static let bad = Array("no record".utf8)

    @Test("A missing dead-letter topic holds up commits, not the fold")
    func missingTopic() async throws {
        try await withRegion(partitions: 1) { region in
            let topic = region.region.deadLetterTopic
            let log = NodeLog()
            region.cluster.setError(.unknownTopicOrPartition, topic: topic)
            try await region.produce(Values.transfers(2, now: Values.now()).values + [Self.bad])
            let service = region.service(logger: log.logger) {
                $0.region.kafka["topic.metadata.propagation.max.ms"] = "100"
            }
            try await region.withNode(service) { () async throws in
                let refused = "dead letter refused"
                #expect(try await eventually { log.count(refused) == 1 })
                #expect(log.count("topic=\(topic)") == 1)
                // From now on the library refuses immediately.
                try await region.produce(
                    [Self.bad] + Values.transfers(1, now: Values.now(), prefix: "more").values)
                #expect(try await eventually { region.headquarters.watermark(0) == 5 })
                #expect(try await eventually { try await region.committed() == 2 })
            }
            #expect(region.headquarters.shard(0)?.counters.rejected == 2)
            #expect(try await region.committed() == 2)
            region.cluster.setError(.noError, topic: topic)
            // Another node sends them again.
            try await region.withNode { () async throws in
                #expect(try await eventually { try await region.committed() == 5 })
            }
            #expect(try await region.deadLetterCount() == 2)
        }
    }

    @Test("A node without idempotent producer rights still writes its letters")
    func withoutIdempotentRight() async throws {
        try await withRegion(partitions: 1) { region in
            try await region.produce([Self.bad] + Values.transfers(1, now: Values.now()).values)
            region.cluster.pushErrors(
                Array(repeating: .clusterAuthorizationFailed, count: 100), to: .initProducerID)
            try await region.withNode { () async throws in
                #expect(try await eventually { try await region.committed() == 2 })
            }
            #expect(try await region.deadLetterCount() == 1)
        }
    }

    @Test("The error for a forbidden letter names the missing right, and the fold continues")
    func withoutWriteRight() async throws {
        try await withRegion(partitions: 1) { region in
            let log = NodeLog()
            try await region.produce([Self.bad] + Values.transfers(1, now: Values.now()).values)
            region.cluster.pushErrors([.topicAuthorizationFailed], to: .produce)
            try await region.withNode(region.service(logger: log.logger)) { () async throws in
                let topic = region.region.deadLetterTopic
                #expect(
                    try await eventually {
                        log.count("the node's user needs the right to write \(topic)") == 1
                    })
                #expect(try await eventually { region.headquarters.watermark(0) == 2 })
            }
        }
    }

    @Test("A letter too large for its topic is sent again, truncated")
    func cut() async throws {
        try await withRegion(partitions: 1) { region in
            let large = [UInt8](repeating: 0x78, count: 5_000)
            try await region.produce([large], key: [0x6B])
            region.cluster.pushErrors([.messageTooLarge], to: .produce)
            try await region.withNode { () async throws in
                #expect(try await eventually { try await region.committed() == 1 })
            }
            let letter = try #require(try await region.deadLetters().first)
            #expect(letter.value == Array(large.prefix(1_024)))
            #expect(letter.key == [0x6B])
            #expect(letter.headers.map(\.name) == ["reason", "partition", "offset", "truncated"])
            #expect(try await region.deadLetterCount() == 1)
        }
    }

    @Test("A letter that is too large even truncated is given up, and commits continue")
    func tooLarge() async throws {
        try await withRegion(partitions: 1) { region in
            let large = [UInt8](repeating: 0x78, count: 5_000)
            let log = NodeLog()
            try await region.produce([large])
            region.cluster.pushErrors([.messageTooLarge, .messageTooLarge], to: .produce)
            try await region.withNode(region.service(logger: log.logger)) { () async throws in
                #expect(try await eventually { try await region.committed() == 1 })
                #expect(log.count("too large") == 1)
            }
            #expect(try await region.deadLetterCount() == 0)
        }
    }
}
