import Glibc
import KafkaClient
import Platform
import Synchronization
import Testing

@Suite struct FaultTests {
    @Test func `A consumer continues after a broker outage`() async throws {
        try await withCluster(partitions: 1) { cluster, topic in
            try await fill(cluster, topic, (0..<5).map { Sample("\($0)") })
            let member = try await Member(cluster, topic)
            try await member.hold([0])
            try await member.ask { try $0.assignHeld() }
            #expect(try await eventually { try await member.ask { $0.seen[0]?.count == 5 } })
            try cluster.takeDown()
            #expect(
                try await eventually {
                    try await member.ask { state in
                        state.events.contains {
                            if case .error(let error) = $0 { error.isRetriable } else { false }
                        }
                    }
                })
            try cluster.bringUp()
            try await fill(cluster, topic, (5..<10).map { Sample("\($0)") })
            // The group may have removed the member meanwhile and assigned the partition again.
            #expect(
                try await eventually {
                    try await member.ask { state in
                        if case .assigned = state.events.last {
                            try state.assignHeld([0: Int64(state.seen[0]?.count ?? 0)])
                        }
                        return state.seen[0]?.count == 10
                    }
                })
            #expect(try await member.ask { $0.seen[0]?.map(\.offset) } == Array(0..<10))
            try await member.close()
        }
    }

    @Test func `Failing fetches and moving coordinators lose nothing`() async throws {
        try await withCluster(partitions: 1) { cluster, topic in
            try await fill(cluster, topic, (0..<100).map { Sample("\($0)") })
            let member = try await Member(cluster, topic)
            try await member.hold([0])
            cluster.pushErrors([.transport, .unknownTopicOrPartition, .transport], to: .fetch)
            cluster.pushErrors([.notCoordinator, .transport], to: .heartbeat)
            try await member.ask { try $0.assignHeld() }
            #expect(try await eventually { try await member.ask { $0.seen[0]?.count == 100 } })
            #expect(try await member.ask { $0.seen[0]?.map(\.offset) } == Array(0..<100))
            try await member.close()
        }
    }

    @Test func `Queries to a missing broker fail in time`() async throws {
        // A port without a listener: taken and released.
        let port = try MockCluster(logger: silent)
        let nowhere = port.bootstrapServers
        port.close()
        let questions: [@Sendable (KafkaLog) throws -> Void] = [
            { _ = try $0.endOffsets([0, 1], timeoutMs: 300) },
            { _ = try $0.startOffsets([0], timeoutMs: 300) },
            { _ = try $0.watermarks(partition: 0, timeoutMs: 300) },
            { _ = try $0.partitionCount(timeoutMs: 300) },
            { _ = try $0.record(at: 0, partition: 0, timeoutMs: 300) },
            { _ = try $0.lastRecord(partition: 0, timeoutMs: 300) },
            { _ = try $0.firstOffset(atOrAfter: 1, partition: 0, timeoutMs: 300) },
        ]
        for question in questions {
            let start = ContinuousClock.now
            await #expect { () async throws in
                try await withLog(nowhere, "topic") { try question($0) }
            } throws: { ($0 as? KafkaError)?.isRetriable == true }
            #expect(ContinuousClock.now - start < .seconds(30))
        }
    }

    @Test func `A member leaves in time during a broker outage`() async throws {
        try await withCluster(partitions: 1) { cluster, topic in
            let joined = try await Member(cluster, topic)
            let committing = try await Member(cluster, topic, group: "another")
            try await joined.hold([0])
            try await committing.hold([0])
            try cluster.takeDown()
            let alone = try await Member(cluster, topic, group: "third")
            try await committing.ask {
                try $0.consumer?.commit([KafkaPosition(partition: 0, offset: 0)])
            }
            for member in [joined, committing, alone] {
                // If this never ended, the whole run would hang; the limit is a constant.
                try await member.close()
            }
            try cluster.bringUp()
        }
    }

    /// The threads that librdkafka starts inherit the priority of the thread that created the
    /// handle, which distinguishes them from threads of concurrent tests.
    @Test func `No thread is left after close`() async throws {
        let priority: Int32 = 3
        try await withCluster(partitions: 2) { cluster, topic in
            try await fill(cluster, topic, [Sample("x")])
            let bootstrap = ["bootstrap.servers": cluster.bootstrapServers]
            let worker = try WorkerThread<Void>(name: "priority")
            let (during, after) = try await worker.perform { _ in
                setpriority(Int32(PRIO_PROCESS.rawValue), 0, priority)
                let consumer = try KafkaConsumer(
                    properties: bootstrap, group: "threads", logger: silent)
                try consumer.subscribe(topic)
                let log = try KafkaLog(properties: bootstrap, topic: topic, logger: silent)
                _ = try log.lastRecord(partition: 0, timeoutMs: 10_000)
                let producer = try KafkaProducer(properties: bootstrap, logger: silent)
                try producer.produce(to: producer.topic(topic), key: nil, value: [1])
                _ = producer.flush(timeoutMs: 10_000)
                let ownCluster = try MockCluster(logger: silent)
                // A member that is reading must complete a rebalance before it can end.
                let end = ContinuousClock.now + .seconds(60)
                while consumer.heldPartitions != [0, 1], ContinuousClock.now < end {
                    _ = consumer.poll(timeoutMs: 20, onRecords: { _, _ in }, onEvent: { _ in })
                }
                try consumer.assign([KafkaPosition(partition: 0, offset: 0)])
                let during = threads(ofPriority: priority)
                consumer.close()
                log.close()
                producer.close()
                ownCluster.close()
                return (during, threads(ofPriority: priority))
            }
            #expect(during >= 10)
            #expect(after == 1, "only the counting thread remains")
            await worker.stop()
        }
    }
}

/// The number of threads of this process with this nice value.
private func threads(ofPriority priority: Int32) -> Int {
    guard let folder = opendir("/proc/self/task") else { return -1 }
    defer { closedir(folder) }
    var count = 0
    while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        guard let thread = UInt32(name) else { continue }
        errno = 0
        if getpriority(Int32(PRIO_PROCESS.rawValue), thread) == priority, errno == 0 { count += 1 }
    }
    return count
}
