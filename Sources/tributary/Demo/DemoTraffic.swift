import CivilTime
import KafkaClient
import Logging
import Money
import Synchronization
import Topology
import TransferGenerator

/// What the demo produces for one region, and the sums that must come of it: kept here, by the
/// producer, from the events themselves.
final class DemoTraffic: Sendable {
    struct Bucket: Hashable, Sendable {
        var currency: Currency
        var minute: Minute
    }

    struct Sum: Hashable, Sendable {
        var settled: Int64 = 0
        var transfers: Int64 = 0
    }

    private struct State {
        var sums: [Bucket: Sum] = [:]
        var tally = EventTally()
    }

    let region: RegionID
    private let history: TransferGenerator?
    private let live: GeneratorConfiguration
    private let producer: KafkaProducer
    private let topic: KafkaTopic
    private let state = Mutex(State())

    init(
        region: Region, index: Int, brokers: String, now: UnixTime, seed: UInt64,
        historyMilliseconds: Int64, historyPerMinute: Int, livePerMinute: Int
    ) throws {
        self.region = region.id
        func configuration(_ start: UnixTime, _ count: Int, _ length: Int64, _ stream: UInt64)
            -> GeneratorConfiguration
        {
            var result = GeneratorConfiguration(
                start: start, count: count, durationMilliseconds: length)
            result.seed = seed &* 1_000 &+ UInt64(index) &* 2 &+ stream
            result.idPrefix = stream == 0 ? "day_" : "live_"
            result.shares.late = 500
            result.shares.malformed = 500
            result.shares.conflicts = 100
            result.shares.envelopes = 1_000
            result.shares.outboxStrings = 1_000
            return result
        }
        let count = Int(historyMilliseconds) / 60_000 * historyPerMinute
        history =
            count == 0
            ? nil
            : TransferGenerator(
                configuration(now - historyMilliseconds, count, historyMilliseconds, 0))
        // Long enough for any demo: its end is never reached.
        live = configuration(now, livePerMinute * 1_440 * 60, 86_400_000 * 60, 1)
        var logger = Logger(label: "demo")
        logger.logLevel = .error
        producer = try KafkaProducer(
            properties: ["bootstrap.servers": brokers], logger: logger)
        topic = try producer.topic(region.topic)
    }

    /// Produces the whole history, as fast as the broker takes it.
    func fillHistory() throws {
        guard let history else { return }
        var bytes: [UInt8] = []
        for position in 0..<history.configuration.count {
            try produce(position, of: history, &bytes)
        }
        guard producer.flush(timeoutMs: 60_000) else {
            throw DemoFailure("region \(region): the broker did not take the history")
        }
    }

    /// Produces live transfers as they fall due, until the task is cancelled.
    func runLive(from start: UnixTime, now: @Sendable () -> UnixTime) async throws {
        var configuration = live
        configuration.start = start
        let generator = TransferGenerator(configuration)
        var bytes: [UInt8] = []
        var next = 0
        while !Task.isCancelled, next < configuration.count {
            while next < configuration.count, generator.recordTime(at: next) <= now() {
                try produce(next, of: generator, &bytes)
                next += 1
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private func produce(
        _ position: Int, of generator: TransferGenerator, _ bytes: inout [UInt8]
    ) throws {
        bytes.removeAll(keepingCapacity: true)
        let event = generator.append(position, to: &bytes)
        generator.appendKey(of: event, to: &bytes)
        try producer.produce(event, bytes, to: topic)
        state.withLock { state in
            state.tally.count(event.kind)
            guard event.counts else { return }
            let bucket = Bucket(currency: event.currency, minute: event.settledAt.minute)
            state.sums[bucket, default: Sum()].settled += event.amount
            state.sums[bucket, default: Sum()].transfers += 1
        }
    }

    /// Waits until the broker has everything.
    func finish() throws {
        guard producer.flush(timeoutMs: 30_000), producer.failed == 0 else {
            throw DemoFailure("region \(region): the broker did not take all transfers")
        }
    }

    var sums: [Bucket: Sum] { state.withLock(\.sums) }
    var tally: EventTally { state.withLock(\.tally) }

    func close() { producer.close() }
}
