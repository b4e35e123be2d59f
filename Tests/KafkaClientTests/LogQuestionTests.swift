import KafkaClient
import Testing

@Suite struct LogQuestionTests {
    @Test func `Ends, beginnings and partition counts match the log`() async throws {
        try await withCluster(partitions: 5) { cluster, topic in
            try await fill(
                cluster, topic,
                (0..<30).map { Sample(partition: Int32($0 % 4), "\($0)") })
            let (count, ends, starts, one) = try await withLog(
                cluster.bootstrapServers, topic
            ) { log in
                let count = try log.partitionCount(timeoutMs: 10_000)
                let ends = try log.endOffsets([0, 1, 2, 3, 4], timeoutMs: 10_000)
                let starts = try log.startOffsets([4, 0], timeoutMs: 10_000)
                let one = try log.watermarks(partition: 1, timeoutMs: 10_000)
                return (count, ends, starts, [one.low, one.high])
            }
            #expect(count == 5)
            #expect(ends == [0: 8, 1: 8, 2: 7, 3: 7, 4: 0])
            #expect(starts == [0: 0, 4: 0])
            #expect(one == [0, 8])
        }
    }

    @Test func `An unknown topic or partition is an error`() async throws {
        try await withCluster(partitions: 1) { cluster, topic in
            let unknown = topic + "-unknown"
            cluster.setError(.unknownTopicOrPartition, topic: unknown)
            await #expect { () async throws in
                try await withLog(cluster.bootstrapServers, unknown) {
                    try $0.partitionCount(timeoutMs: 3_000)
                }
            } throws: {
                [.unknownTopicOrPartition, .unknownTopic].contains(($0 as? KafkaError)?.code)
            }
            await #expect { () async throws in
                try await withLog(cluster.bootstrapServers, topic) {
                    try $0.endOffsets([0, 7], timeoutMs: 3_000)
                }
            } throws: { $0 is KafkaError }
        }
    }

    @Test func `A record can be read by offset, and the last one without it`() async throws {
        try await withCluster(partitions: 2) { cluster, topic in
            try await fill(
                cluster, topic,
                (0..<100).map { Sample("\($0)", timestampMs: 1_000 + Int64($0)) })
            let (middle, last, none) = try await withLog(
                cluster.bootstrapServers, topic
            ) { log in
                let middle = try log.record(at: 41, partition: 0, timeoutMs: 10_000)
                let last = try log.lastRecord(partition: 0, timeoutMs: 10_000)
                let none = try log.lastRecord(partition: 1, timeoutMs: 10_000)
                return (middle, last, none)
            }
            #expect(middle?.value == Array("41".utf8))
            #expect(middle?.timestampMs == 1_041)
            #expect(last?.position == KafkaPosition(partition: 0, offset: 99))
            #expect(last?.timestampMs == 1_099)
            #expect(none == nil)
            for offset in [Int64(101), 5_000, -1] {
                await #expect { () async throws in
                    try await withLog(cluster.bootstrapServers, topic) {
                        try $0.record(at: offset, partition: 0, timeoutMs: 5_000)
                    }
                } throws: { ($0 as? KafkaError)?.code == .offsetOutOfRange }
            }
            let atEnd = try await withLog(cluster.bootstrapServers, topic) {
                try $0.record(at: 100, partition: 0, timeoutMs: 5_000)
            }
            #expect(atEnd == nil)
        }
    }

    /// The mock cluster answers every look-up by time with "all records are older".
    @Test func `The answer of a broker that cannot look up by time is not trusted`() async throws {
        try await withCluster(partitions: 2) { cluster, topic in
            try await fill(
                cluster, topic,
                (0..<10).map { Sample("\($0)", timestampMs: 1_000 + Int64($0)) })
            let answers = try await withLog(cluster.bootstrapServers, topic) { log in
                try [0, 1_005, 1_009, 1_010, 9_999].map {
                    try log.firstOffset(atOrAfter: $0, partition: 0, timeoutMs: 10_000)
                }
            }
            #expect(answers == [0, 0, 0, 10, 10])
            let empty = try await withLog(cluster.bootstrapServers, topic) {
                try $0.firstOffset(atOrAfter: 1, partition: 1, timeoutMs: 10_000)
            }
            #expect(empty == 0)
        }
    }
}
