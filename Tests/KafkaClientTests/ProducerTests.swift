import KafkaClient
import Synchronization
import Testing

@Suite struct ProducerTests {
    @Test func `Each record is reported once, with its token and position`() async throws {
        try await withCluster(partitions: 2) { cluster, topic in
            let reports = Reports()
            let producer = try KafkaProducer(
                properties: ["bootstrap.servers": cluster.bootstrapServers], logger: silent,
                onDelivery: { reports.add($0) })
            let place = try producer.topic(topic)
            for token in UInt(1)...50 {
                try producer.produce(
                    to: place, partition: Int32(token % 2), key: nil, value: [UInt8(token)],
                    token: token)
            }
            #expect(try await producer.flushed(within: patience))
            let all = reports.all.sorted { $0.token < $1.token }
            #expect(all.map(\.token) == Array(1...50))
            #expect(all.map(\.partition) == (1...50).map { Int32($0 % 2) })
            #expect(all.filter { $0.partition == 0 }.map(\.offset) == (0..<25).map { Int64($0) })
            #expect(all.allSatisfy { $0.error == nil })
            #expect((producer.delivered, producer.failed, producer.outstanding) == (50, 0, 0))
            producer.close()
            #expect(throws: KafkaError.self) {
                try producer.produce(to: place, key: nil, value: [1])
            }
        }
    }

    @Test func `A full queue refuses records until there is space`() async throws {
        try await withCluster(partitions: 1) { cluster, topic in
            try cluster.setRoundTrip(milliseconds: 200)
            let producer = try KafkaProducer(
                properties: [
                    "bootstrap.servers": cluster.bootstrapServers,
                    "queue.buffering.max.messages": "10",
                ], logger: silent)
            let place = try producer.topic(topic)
            var refusal: KafkaError?
            for _ in 0..<11 where refusal == nil {
                do throws(KafkaError) {
                    try producer.produce(to: place, key: nil, value: [1])
                } catch { refusal = error }
            }
            #expect(refusal?.code == .queueFull)
            #expect(refusal?.isRetriable == true)
            #expect(try await eventually { producer.waitForSpace(below: 5, timeoutMs: 1) })
            try producer.produce(to: place, key: nil, value: [2])
            #expect(try await producer.flushed(within: patience))
            #expect(producer.delivered == 11)
            producer.close()
        }
    }

    @Test func `A record larger than allowed is refused at once`() async throws {
        try await withCluster(partitions: 1) { cluster, topic in
            let producer = try KafkaProducer(
                properties: ["bootstrap.servers": cluster.bootstrapServers], logger: silent)
            let place = try producer.topic(topic)
            let large = [UInt8](repeating: 1, count: 1_000_001)
            #expect { try producer.produce(to: place, key: nil, value: large) } throws: {
                ($0 as? KafkaError)?.answer == .drop
                    && ($0 as? KafkaError)?.code == .messageTooLarge
            }
            #expect {
                try producer.produce(to: place, key: nil, value: [1], timestampMs: 0)
            } throws: { ($0 as? KafkaError)?.code == .invalidArgument }
            #expect(producer.outstanding == 0)
            producer.close()
        }
    }

    @Test func `A record that no broker acknowledged is reported as failed`() async throws {
        try await withCluster(partitions: 1) { cluster, topic in
            try cluster.takeDown()
            let reports = Reports()
            let producer = try KafkaProducer(
                properties: [
                    "bootstrap.servers": cluster.bootstrapServers, "message.timeout.ms": "300",
                ], logger: silent, onDelivery: { reports.add($0) })
            try producer.produce(to: producer.topic(topic), key: nil, value: [1], token: 9)
            #expect(producer.flush(timeoutMs: 50) == false)
            #expect(try await producer.flushed(within: patience))
            #expect(reports.all.map(\.token) == [9])
            #expect(reports.all.first?.offset == nil)
            #expect(reports.all.first?.error?.isRetriable == true)
            #expect((producer.delivered, producer.failed) == (0, 1))
            producer.close()
        }
    }
}

private final class Reports: Sendable {
    private let reports = Mutex<[KafkaDelivery]>([])
    func add(_ report: KafkaDelivery) { reports.withLock { $0.append(report) } }
    var all: [KafkaDelivery] { reports.withLock { $0 } }
}
