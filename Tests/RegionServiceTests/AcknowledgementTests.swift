import DeltaProtocol
import KafkaClient
import RegionService
import Testing

/// Acknowledgements of HQ, the group and the dead-letter topic, and their effects.
@Suite struct AcknowledgementTests {
    @Test("Group offsets are committed only up to what HQ acknowledged")
    func commits() async throws {
        try await withRegion(partitions: 1) { region in
            let (values, amounts) = Values.transfers(10, now: Values.now())
            try await region.produce(values)
            region.headquarters.setCommitting(false)
            try await region.withNode { () async throws in
                // Several pushes, and many more opportunities to commit.
                #expect(try await eventually { region.headquarters.refusedRequests >= 3 })
                #expect(try await region.committed() == nil)
                region.headquarters.setCommitting(true)
                #expect(try await eventually { try await region.committed() == 10 })
                #expect(region.headquarters.watermark(0) == 10)
                #expect(region.headquarters.shard(0)?.settled == amounts)

                region.headquarters.setCommitting(false)
                let refused = region.headquarters.refusedRequests
                try await region.produce(
                    Values.transfers(3, now: Values.now(), prefix: "more").values)
                #expect(try await eventually { region.headquarters.refusedRequests >= refused + 2 })
                #expect(try await region.committed() == 10)
            }
            // The stopping node could not push either.
            #expect(try await region.committed() == 10)
        }
    }

    @Test("An HQ that lost everything answers `behind` and receives the whole shard again")
    func refills() async throws {
        try await withRegion(partitions: 1) { region in
            let headquarters = region.headquarters
            let (values, amounts) = Values.transfers(20, now: Values.now())
            try await region.produce(values)
            try await region.withNode { () async throws in
                #expect(try await eventually { headquarters.watermark(0) == 20 })
                headquarters.forget()
                let before = headquarters.deltas.count
                #expect(try await eventually { headquarters.watermark(0) == 20 })
                #expect(headquarters.behindAnswers >= 1)
                #expect(headquarters.shard(0)?.settled == amounts)
                let answered = headquarters.deltas.dropFirst(before)
                #expect(answered.first?.base == 20)
                let whole = try #require(answered.first { $0.base == 0 })
                #expect(whole.buckets.count == 20)
            }
        }
    }

    @Test("Records below the group's committed offset are not dead-lettered again")
    func deadLettersOnce() async throws {
        try await withRegion(partitions: 1) { region in
            let bad = (0..<3).map { Array("no record \($0)".utf8) }
            try await region.produce(bad + Values.transfers(1, now: Values.now()).values)
            try await region.withNode { () async throws in
                #expect(try await eventually { try await region.committed() == 4 })
                #expect(try await region.deadLetterCount() == 3)
            }
            try await region.produce([Array("no record 3".utf8)])
            // This node commits only when it stops.
            try await region.withNode(commitInterval: .seconds(3_600)) { () async throws in
                #expect(
                    try await eventually {
                        try await region.deadLetterCount() >= 4
                            && region.headquarters.watermark(0) == 5
                    })
            }
            #expect(try await region.committed() == 5)
            let letters = try await region.deadLetters()
            #expect(
                letters.map { $0.headers.last.map { String(decoding: $0.value, as: UTF8.self) } }
                    == ["0", "1", "2", "4"])
            #expect(region.headquarters.shard(0)?.counters.rejected == 4)
        }
    }

    @Test("A node whose task is cancelled shuts down in order")
    func cancellation() async throws {
        try await withRegion(partitions: 1) { region in
            try await region.produce(Values.transfers(2, now: Values.now()).values)
            let service = region.service(commitInterval: .seconds(3_600))
            let running = Task { try await service.run() }
            #expect(try await eventually { region.headquarters.watermark(0) == 2 })
            running.cancel()
            try await running.value
            #expect(try await region.committed() == 2)
        }
    }
}
