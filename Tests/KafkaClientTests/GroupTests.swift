import KafkaClient
import Testing

@Suite struct GroupTests {
    @Test func `Nothing is read before the owner assigns offsets`() async throws {
        try await withCluster(partitions: 2) { cluster, topic in
            try await fill(cluster, topic, (0..<20).map { Sample(partition: $0 % 2, "\($0)") })
            let member = try await Member(cluster, topic)
            try await member.hold([0, 1])
            #expect(try await member.ask { $0.events } == [.assigned([0, 1])])
            try await member.ask { state in
                try state.consumer?.assign([KafkaPosition(partition: 1, offset: 4)])
            }
            #expect(try await eventually { try await member.ask { $0.seen[1]?.count == 6 } })
            #expect(try await member.ask { $0.seen[1]?.map(\.offset) } == Array(4..<10))
            #expect(try await member.ask { $0.seen[0] } == nil)
            try await member.close()
        }
    }

    @Test func `A larger assignment starts exactly at its offsets, without stale records`()
        async throws
    {
        let count: Int64 = 20_000
        try await withCluster(partitions: 2) { cluster, topic in
            try await fill(
                cluster, topic,
                (0..<count * 2).map { Sample(partition: Int32($0 % 2), "record \($0 / 2)") })
            let member = try await Member(cluster, topic)
            try await member.hold([0, 1])
            var random = SystemRandomNumberGenerator()
            for _ in 0..<20 {
                let starts = [
                    Int32(0): Int64.random(in: 0..<count - 50, using: &random),
                    Int32(1): Int64.random(in: 0..<count - 50, using: &random),
                ]
                let both = Bool.random(using: &random)
                try await member.ask { state in
                    state.seen = [:]
                    try state.consumer?.assign(
                        (both ? [0, 1] : [0]).map {
                            KafkaPosition(partition: $0, offset: starts[$0] ?? 0)
                        })
                }
                #expect(
                    try await eventually {
                        try await member.ask {
                            $0.seen[0] != nil && (!both || $0.seen[1] != nil)
                        }
                    })
                let seen = try await member.ask { $0.seen }
                #expect(both || seen[1] == nil)
                for (partition, records) in seen {
                    let start = starts[partition] ?? 0
                    #expect(
                        records.map(\.offset) == Array(start..<start + Int64(records.count)),
                        "partition \(partition) from \(start)")
                }
            }
            try await member.close()
        }
    }

    @Test func `Two members share the partitions, and one takes over when the other leaves`()
        async throws
    {
        try await withCluster(partitions: 4) { cluster, topic in
            let samples = (0..<40).map { Sample(partition: Int32($0 % 4), "\($0)") }
            try await fill(cluster, topic, samples)
            let first = try await Member(cluster, topic)
            try await first.hold([0, 1, 2, 3])
            try await first.ask { try $0.assignHeld() }
            #expect(
                try await eventually {
                    try await first.ask { $0.seen.values.map(\.count).reduce(0, +) == 40 }
                })

            let second = try await Member(cluster, topic)
            #expect(
                try await eventually {
                    let one = try await first.ask { $0.consumer?.heldPartitions ?? [] }
                    let two = try await second.ask { $0.consumer?.heldPartitions ?? [] }
                    return one.count == 2 && two.count == 2 && one.isDisjoint(with: two)
                })
            #expect(try await first.ask { $0.events.contains(.revoked([0, 1, 2, 3])) })
            // The member no longer reads its former partitions, and does not read new ones yet.
            try await fill(cluster, topic, samples)
            #expect(try await first.ask { $0.seen.values.map(\.count).reduce(0, +) } == 40)

            try await first.ask { try $0.assignHeld([0: 10, 1: 10, 2: 10, 3: 10]) }
            try await second.ask { try $0.assignHeld([0: 10, 1: 10, 2: 10, 3: 10]) }
            #expect(
                try await eventually {
                    let one = try await first.ask { $0.seen.values.map(\.count).reduce(0, +) }
                    let two = try await second.ask { $0.seen.values.map(\.count).reduce(0, +) }
                    return one + two == 80
                })

            try await first.close()
            try await second.hold([0, 1, 2, 3])
            try await second.ask { state in
                state.seen = [:]
                try state.assignHeld()
            }
            #expect(
                try await eventually {
                    try await second.ask { state in
                        state.seen.values.map(\.count).reduce(0, +) == 80
                    }
                })
            // The reverse: a member that joins gets its share.
            let third = try await Member(cluster, topic)
            #expect(
                try await eventually {
                    let two = try await second.ask { $0.consumer?.heldPartitions ?? [] }
                    let three = try await third.ask { $0.consumer?.heldPartitions ?? [] }
                    return two.count == 2 && three.count == 2 && two.isDisjoint(with: three)
                })
            try await second.close()
            try await third.close()
        }
    }

    @Test func `A partition that the member does not hold cannot be read`() async throws {
        try await withCluster(partitions: 1) { cluster, topic in
            let member = try await Member(cluster, topic)
            try await member.hold([0])
            await #expect { () async throws in
                try await member.ask { state in
                    try state.consumer?.assign([KafkaPosition(partition: 1, offset: 0)])
                }
            } throws: { ($0 as? KafkaError)?.code == .notAssigned }
            await #expect { () async throws in
                try await member.ask { state in
                    try state.consumer?.assign([KafkaPosition(partition: 0, offset: -1)])
                }
            } throws: { ($0 as? KafkaError)?.code == .invalidArgument }
            try await member.close()
        }
    }

    @Test(arguments: [Int64(11), 1_000_000])
    func `An offset out of range is reported and never reset`(offset: Int64) async throws {
        try await withCluster(partitions: 2) { cluster, topic in
            try await fill(cluster, topic, (0..<20).map { Sample(partition: $0 % 2, "\($0)") })
            let member = try await Member(cluster, topic)
            try await member.hold([0, 1])
            try await member.ask { try $0.assignHeld([0: offset]) }
            #expect(
                try await eventually {
                    try await member.ask {
                        $0.events.contains(.offsetOutOfRange(partition: 0, offset: offset))
                    }
                })
            // The other partition is still read; the first one is stopped.
            #expect(try await eventually { try await member.ask { $0.seen[1]?.count == 10 } })
            try await fill(cluster, topic, [Sample("more")])
            #expect(
                try await eventually {
                    try await member.ask { state in
                        state.events.count { $0 == .endOfPartition(partition: 1, offset: 10) } >= 1
                    }
                })
            #expect(try await member.ask { $0.seen[0] } == nil)
            try await member.ask { try $0.assignHeld([0: 10, 1: 10]) }
            #expect(try await eventually { try await member.ask { $0.seen[0]?.count == 1 } })
            try await member.close()
        }
    }

    @Test func `Paused partitions resume without loss`() async throws {
        try await withCluster(partitions: 1) { cluster, topic in
            try await fill(cluster, topic, (0..<10).map { Sample("\($0)") })
            let member = try await Member(cluster, topic)
            try await member.hold([0])
            try await member.ask { state in
                try state.assignHeld()
                try state.consumer?.pause([0])
            }
            for _ in 0..<20 { try await member.ask { _ in } }
            #expect(try await member.ask { $0.seen.isEmpty })
            try await member.ask { try $0.consumer?.resume([0]) }
            #expect(try await eventually { try await member.ask { $0.seen[0]?.count == 10 } })
            try await member.close()
        }
    }
}
