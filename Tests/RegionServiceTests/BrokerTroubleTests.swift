import Identifiers
import KafkaClient
import Logging
import RegionService
import Testing
import Topology

/// Broker errors that a node must survive, and those that must end it.
@Suite struct BrokerTroubleTests {
    private static let bad = Array("no record".utf8)

    @Test(
        "A failed connection does not end the node",
        arguments: [KafkaErrorCode.insecure, .unauthenticated])
    func connectionTrouble(code: KafkaErrorCode) async throws {
        try await withRegion(partitions: 1) { region in
            try await region.produce(Values.transfers(3, now: Values.now()).values)
            let log = NodeLog()
            // The library forwards errors that it cannot handle, with their codes.
            region.cluster.pushErrors([code], to: .joinGroup)
            try await region.withNode(region.service(logger: log.logger)) { () async throws in
                #expect(try await eventually { try await region.committed() == 3 })
            }
            #expect(log.count("error=\(code)") == 1)
        }
    }

    @Test("A revoked access right ends the node")
    func authorization() async throws {
        try await withRegion(partitions: 1) { region in
            region.cluster.pushErrors([.topicAuthorizationFailed], to: .joinGroup)
            await #expect {
                try await region.service().run()
            } throws: { ($0 as? KafkaError)?.code == .topicAuthorizationFailed }
        }
    }

    @Test("Records with producer timestamps are refused before anything is folded")
    func producersTime() async throws {
        try await withRegion(partitions: 1) { region in
            try await region.produce(Values.transfers(3, now: Values.now()).values)
            await #expect {
                try await region.service { $0.region.timestamps = .broker }.run()
            } throws: {
                "\($0)".contains("declare `timestamps: trusted` until those records are 51 h old")
            }
            #expect(region.headquarters.deltas.isEmpty)
        }
    }

    @Test("Without the group's offsets a shard waits, and no letter is sent twice")
    func unknownCommits() async throws {
        try await withRegion(partitions: 1) { region in
            try await region.produce([Self.bad, Self.bad])
            try await region.withNode { () async throws in
                #expect(try await eventually { try await region.committed() == 2 })
            }
            try await region.produce([Self.bad])
            let log = NodeLog()
            region.cluster.pushErrors([.topicAuthorizationFailed], to: .offsetFetch)
            try await region.withNode(region.service(logger: log.logger)) { () async throws in
                #expect(try await eventually { log.count("committed offsets are unknown") == 1 })
                #expect(try await eventually { try await region.committed() == 3 })
            }
            #expect(try await region.deadLetterCount() == 3)
        }
    }

    /// Like a suspended machine, or a process that is stopped and continued.
    @Test("A node that was frozen while another had its partition repeats no letters")
    func stoodStill() async throws {
        try await withRegion(partitions: 1) { region in
            let log = NodeLog()
            let first = region.service(logger: log.logger) {
                $0.region.kafka["max.poll.interval.ms"] = "6000"
            }
            try await region.produce([Self.bad, Self.bad])
            region.cluster.pushErrors([.topicAuthorizationFailed], to: .offsetCommit)
            log.stall(at: "offsets not committed")
            try await region.withNode(first) { () async throws in
                #expect(try await eventually { log.isStalled })
                #expect(try await region.committed() == nil)
                // Another node gets the partition once the group has removed the first one.
                try await region.withNode(region.service { $0.node = "node-2" }) {
                    () async throws in
                    #expect(try await eventually { try await region.committed() == 2 })
                    try await region.produce([Self.bad])
                    #expect(try await eventually { try await region.committed() == 3 })
                }
                #expect(try await region.deadLetterCount() == 5)
                log.release()
                try await region.produce([Self.bad])
                #expect(try await eventually { try await region.committed() == 4 })
            }
            let letters = try await region.deadLetters()
            #expect(
                letters.map { $0.headers.last.map { String(decoding: $0.value, as: UTF8.self) } }
                    == ["0", "1", "0", "1", "2", "3"])
        }
    }

    @Test("A topic that gains partitions after they were counted ends the node")
    func morePartitions() async throws {
        try await withRegion(partitions: 1) { region in
            // The old and the new topic, on clusters that share an address.
            let larger = try MockCluster(logger: silent)
            defer { larger.close() }
            try larger.createTopic(region.region.topic, partitions: 2)
            let port = try closedPort()
            let before = try BootstrapPort(port: port, target: region.cluster.port)
            let log = NodeLog()
            let service = region.service(logger: log.logger) {
                $0.region.kafka["bootstrap.servers"] = "127.0.0.1:\(port)"
                $0.region.logs[0].partitions = nil
            }
            // Partitions are counted by then, but the node has not joined the group yet.
            log.stall(at: "node begins")
            let running = Task {
                do {
                    try await service.run()
                    return ""
                } catch {
                    log.logger.error("node ended")
                    return "\(error)"
                }
            }
            #expect(try await eventually { log.isStalled })
            await before.close()
            let after = try BootstrapPort(port: port, target: larger.port)
            log.release()
            #expect(try await eventually { log.count("node ended") == 1 })
            running.cancel()
            let problem = await running.value
            #expect(problem.contains("expected 1 partitions, found 2; declare a new log"))
            await after.close()
        }
    }
}
