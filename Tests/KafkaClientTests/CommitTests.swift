import KafkaClient
import Testing

@Suite struct CommitTests {
    @Test func `Committed offsets can be read back, even after the member is gone`() async throws {
        try await withCluster(partitions: 3) { cluster, topic in
            let member = try await Member(cluster, topic)
            try await member.hold([0, 1, 2])
            let none = try await member.ask {
                try $0.consumer?.committedOffsets([0, 1, 2], timeoutMs: 10_000)
            }
            #expect(none == [:])
            try await member.ask {
                try $0.consumer?.commit([
                    KafkaPosition(partition: 0, offset: 0), KafkaPosition(partition: 2, offset: 77),
                ])
            }
            #expect(
                try await eventually {
                    try await member.ask {
                        try $0.consumer?.committedOffsets([0, 1, 2], timeoutMs: 10_000)
                    } == [0: 0, 2: 77]
                })
            #expect(try await member.ask { $0.events } == [.assigned([0, 1, 2])])
            try await member.close()

            let next = try await Member(cluster, topic)
            try await next.hold([0, 1, 2])
            let kept = try await next.ask {
                try $0.consumer?.committedOffsets([2], timeoutMs: 10_000)
            }
            #expect(kept == [2: 77])
            try await next.close()
        }
    }

    @Test func `A commit that fails is an event with its positions`() async throws {
        try await withCluster(partitions: 2) { cluster, topic in
            let member = try await Member(cluster, topic)
            try await member.hold([0, 1])
            cluster.pushErrors([.topicAuthorizationFailed], to: .offsetCommit)
            try await member.ask {
                try $0.consumer?.commit([KafkaPosition(partition: 1, offset: 5)])
            }
            #expect(
                try await eventually {
                    try await member.ask { state in
                        state.events.contains {
                            guard case .commitFailed(let positions, let error) = $0 else {
                                return false
                            }
                            return positions == [KafkaPosition(partition: 1, offset: 5)]
                                && error.code == .topicAuthorizationFailed
                                && error.answer == .stop
                        }
                    }
                })
            try await member.close()
        }
    }
}
