import KafkaClient
import Testing

@Suite struct RoundTripTests {
    @Test func `Values, keys, headers and timestamps survive a round trip`() async throws {
        let bytes = Array(UInt8.min...UInt8.max)
        let samples = [
            Sample(key: bytes, value: bytes.reversed(), timestampMs: 1),
            Sample(key: [], value: [], timestampMs: 1_774_445_101_000),
            Sample(key: [0], value: nil, timestampMs: 1_774_358_701_999),
            Sample(key: nil, value: Array("{}".utf8), timestampMs: 4_102_444_800_000),
            Sample(
                key: [7], value: [8], timestampMs: 2,
                headers: [
                    KafkaHeader(name: "reason", value: Array("future".utf8)),
                    KafkaHeader(name: "empty", value: []),
                    KafkaHeader(name: "reason", value: bytes),
                ]),
        ]
        try await withCluster(partitions: 1) { cluster, topic in
            try await fill(cluster, topic, samples)
            let member = try await Member(cluster, topic)
            try await member.hold([0])
            try await member.ask { try $0.assignHeld() }
            #expect(try await eventually { try await member.ask { $0.seen[0]?.count == 5 } })
            let seen = try await member.ask { $0.seen[0] ?? [] }
            try #require(seen.count == 5)
            for (index, sample) in samples.enumerated() {
                #expect(seen[index].offset == Int64(index))
                #expect(seen[index].timestampMs == sample.timestampMs)
                #expect(seen[index].key == sample.key)
                #expect(seen[index].value == sample.value)
            }
            try await member.close()

            let copies = try await withLog(cluster.bootstrapServers, topic) { log in
                try (0..<5).map { try log.record(at: $0, partition: 0, timeoutMs: 10_000) }
            }
            for (index, sample) in samples.enumerated() {
                let copy = try #require(copies[index])
                #expect(copy.position == KafkaPosition(partition: 0, offset: Int64(index)))
                #expect(copy.timestampMs == sample.timestampMs)
                #expect(copy.timestampKind == .producer)
                #expect(copy.key == sample.key)
                #expect(copy.value == sample.value)
                #expect(copy.headers == sample.headers)
            }
        }
    }

    @Test func `The end of a partition is reported after all of its records`() async throws {
        try await withCluster(partitions: 2) { cluster, topic in
            try await fill(cluster, topic, (0..<10).map { Sample("record \($0)") })
            let member = try await Member(cluster, topic)
            try await member.hold([0, 1])
            try await member.ask { try $0.assignHeld() }
            let ends: [KafkaEvent] = [
                .endOfPartition(partition: 0, offset: 10),
                .endOfPartition(partition: 1, offset: 0),
            ]
            #expect(
                try await eventually {
                    try await member.ask { state in ends.allSatisfy(state.events.contains) }
                })
            #expect(try await member.ask { $0.seen[0]?.count } == 10)
            try await member.close()
        }
    }

    @Test func `Records arrive in long runs, in order, without gaps or repeats`() async throws {
        let count = 30_000
        try await withCluster(partitions: 3) { cluster, topic in
            try await fill(
                cluster, topic,
                (0..<count).map { Sample(partition: Int32($0 % 3), "record \($0)") })
            let member = try await Member(cluster, topic)
            try await member.hold([0, 1, 2])
            try await member.ask { try $0.assignHeld() }
            #expect(
                try await eventually {
                    try await member.ask { $0.seen.values.map(\.count).reduce(0, +) == count }
                })
            let (seen, runs) = try await member.ask { ($0.seen, $0.runs) }
            for partition in 0..<3 {
                let records = seen[Int32(partition)] ?? []
                #expect(records.map(\.offset) == Array(0..<Int64(count / 3)))
                #expect(
                    records.compactMap(\.value)
                        == (0..<count / 3).map { Array("record \($0 * 3 + partition)".utf8) })
            }
            #expect(runs < count / 50, "runs of \(count / runs) records")
            try await member.close()
        }
    }

    /// The partition of a key in Apache Kafka's Java clients: murmur2 of its bytes, sign bit
    /// cleared.
    @Test func `A key goes to the same partition as with Java producers`() async throws {
        let partitions: UInt32 = 7
        try await withCluster(partitions: Int(partitions)) { cluster, topic in
            let producer = try KafkaProducer(
                properties: ["bootstrap.servers": cluster.bootstrapServers], logger: silent)
            let place = try producer.topic(topic)
            let keys = (0..<200).map { Array("tx_\($0 * 7919)".utf8) }
            for key in keys { try producer.produce(to: place, key: key, value: key) }
            #expect(try await producer.flushed(within: patience))
            producer.close()
            let member = try await Member(cluster, topic)
            try await member.hold(Set(0..<Int32(partitions)))
            try await member.ask { try $0.assignHeld() }
            #expect(
                try await eventually {
                    try await member.ask { $0.seen.values.map(\.count).reduce(0, +) == 200 }
                })
            let seen = try await member.ask { $0.seen }
            for (partition, records) in seen {
                for record in records {
                    let key = try #require(record.key)
                    #expect(Int32((murmur2(key) & 0x7FFF_FFFF) % partitions) == partition)
                }
            }
            try await member.close()
        }
    }
}

private func murmur2(_ bytes: [UInt8]) -> UInt32 {
    let multiplier: UInt32 = 0x5bd1_e995
    var hash: UInt32 = 0x9747_b28c ^ UInt32(bytes.count)
    var index = 0
    while bytes.count - index >= 4 {
        var word: UInt32 = 0
        for shift in 0..<4 { word |= UInt32(bytes[index + shift]) << (8 * UInt32(shift)) }
        word &*= multiplier
        word ^= word >> 24
        word &*= multiplier
        hash = (hash &* multiplier) ^ word
        index += 4
    }
    let rest = bytes[index...]
    if !rest.isEmpty {
        for (shift, byte) in rest.enumerated() { hash ^= UInt32(byte) << (8 * UInt32(shift)) }
        hash &*= multiplier
    }
    hash ^= hash >> 13
    hash &*= multiplier
    return hash ^ (hash >> 15)
}
