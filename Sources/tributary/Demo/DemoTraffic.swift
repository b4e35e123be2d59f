import CivilTime
import Foundation
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

    /// More unique amounts a minute than this could fill a bucket to its bound.
    private static let uniquePerMinuteMax = 8_000
    /// How long before records are given up, their broker being gone.
    private static let giveUpAfterMs = 10_000

    let region: RegionID
    private let history: TransferGenerator?
    private let live: GeneratorConfiguration
    private let producer: KafkaProducer
    private let topic: KafkaTopic
    private let state = Mutex(State())
    private let isStopped = Atomic(false)

    init(
        region: Region, index: Int, brokers: String, now: UnixTime, seed: UInt64,
        historyMilliseconds: Int64, historyPerMinute: Int, livePerMinute: Int
    ) throws {
        self.region = region.id
        func configuration(
            _ prefix: String, from start: UnixTime, count: Int, perMinute: Int, stream: UInt64
        ) -> GeneratorConfiguration {
            var result = GeneratorConfiguration(start: start, perSecond: 1, count: count)
            result.paceEvents = perMinute
            result.paceMilliseconds = 60_000
            result.seed = seed &* 1_000 &+ UInt64(index) &* 2 &+ stream
            result.idPrefix = prefix
            if perMinute > Self.uniquePerMinuteMax { result.amounts = .uniform }
            result.shares.late = 500
            result.shares.malformed = 500
            result.shares.conflicts = 100
            result.shares.envelopes = 1_000
            result.shares.outboxStrings = 1_000
            return result
        }
        let count = Int(historyMilliseconds) * historyPerMinute / 60_000
        history =
            count == 0
            ? nil
            : TransferGenerator(
                configuration(
                    "day_", from: now - historyMilliseconds, count: count,
                    perMinute: historyPerMinute, stream: 0))
        // Or as many as there are ids.
        live = configuration(
            "live_", from: now,
            count: min(
                GeneratorConfiguration.countMax, livePerMinute * DemoCommand.secondsMax / 60),
            perMinute: livePerMinute, stream: 1)
        var logger = Logger(label: "demo")
        logger.logLevel = .error
        producer = try KafkaProducer(
            properties: [
                "bootstrap.servers": brokers, "message.timeout.ms": "\(Self.giveUpAfterMs)",
            ], logger: logger)
        topic = try producer.topic(region.topic)
    }

    /// Produces the whole history, as fast as the broker takes it, or until `stop`. Blocks.
    func fillHistory() throws {
        guard let history else { return }
        var bytes: [UInt8] = []
        for position in 0..<history.configuration.count {
            guard mayGoOn else { break }
            try produce(position, of: history, &bytes)
        }
        while mayGoOn, !producer.flush(timeoutMs: 250) {}
        try requireTaken()
    }

    /// Produces live transfers as they fall due, until `stop`. Blocks.
    func runLive(from start: UnixTime, now: @Sendable () -> UnixTime) throws {
        var configuration = live
        configuration.start = start
        let generator = TransferGenerator(configuration)
        var bytes: [UInt8] = []
        var next = 0
        while mayGoOn {
            while mayGoOn, next < configuration.count, generator.recordTime(at: next) <= now() {
                try produce(next, of: generator, &bytes)
                next += 1
            }
            usleep(20_000)
        }
        try requireTaken()
    }

    /// Ends `fillHistory` and `runLive`, for good. Any thread.
    func stop() { isStopped.store(true, ordering: .releasing) }

    private var mayGoOn: Bool {
        !isStopped.load(ordering: .acquiring) && producer.failed == 0
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
    func finish() async throws {
        _ = try await producer.flushed(within: .seconds(30))
        guard producer.outstanding == 0 else { throw Self.notTaken(region) }
        try requireTaken()
    }

    private func requireTaken() throws {
        guard producer.failed == 0 else { throw Self.notTaken(region) }
    }

    private static func notTaken(_ region: RegionID) -> DemoFailure {
        DemoFailure("region \(region): the broker did not take all transfers")
    }

    var sums: [Bucket: Sum] { state.withLock(\.sums) }
    var tally: EventTally { state.withLock(\.tally) }

    func close() { producer.close() }
}
