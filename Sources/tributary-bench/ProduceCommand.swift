import ArgumentParser
import Hashing
import KafkaClient
import Logging
import Platform

/// Fills a topic with records of a transfer's size for ``ConsumeCommand``.
struct ProduceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "produce", abstract: "Fill a topic with records of 150 bytes.",
        discussion: """
            EXAMPLE:
              tributary-bench produce --brokers 127.0.0.1:9092 --topic transaction.settled \
            --records 1000000
            """)

    @Option(help: "The cluster's address, host:port.")
    var brokers: String

    @Option(help: "The topic to fill.")
    var topic: String

    @Option(help: "Number of records.")
    var records: Int

    @Option(help: "Compression instead of the producer's default.")
    var compression: String?

    func run() async throws {
        let worker = try WorkerThread<Void>(name: "produce")
        let job = self
        try await print(worker.perform { _ in try job.measure().line })
        await worker.stop()
    }

    private func measure() throws -> Measurement {
        var properties = ["bootstrap.servers": brokers]
        if let compression { properties["compression.codec"] = compression }
        let producer = try KafkaProducer(properties: properties, logger: Logger(label: "bench"))
        defer { producer.close() }
        let place = try producer.topic(topic)
        var random = SplitMix64(seed: 1)
        var measurement = Measurement()
        measurement.startIfNeeded()
        for _ in 0..<records {
            let identifier = random.next()
            let key = Array("tx_\(identifier)".utf8)
            let minute = 10 + identifier % 50
            var value = Array(
                """
                {"transfer_id":"tx_\(identifier)","currency":"EUR","amount_minor_units":\
                \(random.next() >> 24),"settled_at_utc":"2026-03-25T13:\(minute):01Z"}
                """.utf8)
            value += [UInt8](repeating: 0x20, count: max(0, 150 - value.count))
            while true {
                do throws(KafkaError) {
                    try producer.produce(to: place, key: key, value: value)
                    break
                } catch {
                    guard error.code == .queueFull, producer.waitForSpace(timeoutMs: 30_000)
                    else { throw error }
                }
            }
            measurement.add(records: 1, bytes: key.count + value.count)
        }
        guard producer.flush(timeoutMs: 60_000), producer.failed == 0 else {
            throw KafkaError(code: .timedOut, message: "\(producer.failed) records were lost")
        }
        measurement.stop()
        return measurement
    }
}
