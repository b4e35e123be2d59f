import CivilTime
import Foundation
import Identifiers
import KafkaClient
import Logging
import Money
import Synchronization
import Topology
import TransferGenerator

/// Produces the demo's transfers for one region, and adds up the sums that must result directly
/// from the events.
final class DemoTraffic: Sendable {
    struct CurrencyMinute: Hashable, Sendable {
        var currency: Currency
        var minute: Minute
    }

    struct Sum: Hashable, Sendable {
        var settled: Int64 = 0
        var transfers: Int64 = 0
    }

    private struct State {
        var sums: [CurrencyMinute: Sum] = [:]
        var tally = EventTally()
    }

    /// How long the producer retries records while the broker does not answer.
    private static let giveUpAfterMs = 10_000

    let region: RegionID
    private let history: TransferGenerator
    private let live: TransferGenerator
    private let producer: KafkaProducer
    private let topic: KafkaTopic
    private let state = Mutex(State())
    private let isStopped = Atomic(false)

    /// - Parameters:
    ///   - habits: how busy the region is, and when.
    ///   - perMinute: its transfers per minute, averaged over a day.
    ///   - medians: the median amount of each currency, in minor units.
    ///   - now: when history ends and live transfers begin.
    init(
        region: Region, index: Int, brokers: String, now: UnixTime, seed: UInt64,
        historyMilliseconds: Int64, habits: DemoHabits, perMinute: Int,
        medians: [Currency: Int64]
    ) throws {
        self.region = region.id
        func configuration(
            _ prefix: String, from start: UnixTime, stream: UInt64
        ) -> GeneratorConfiguration {
            // For sixty days, or until ids run out.
            var result = GeneratorConfiguration(
                start: start, perSecond: 1,
                count: min(
                    GeneratorConfiguration.countMax, perMinute * DemoCommand.secondsMax / 60))
            result.paceEvents = perMinute
            result.paceMilliseconds = 60_000
            result.rhythm = .dayAndNight(utcOffsetMinutes: habits.utcOffsetMinutes)
            result.amounts = .everyday(medians: medians)
            result.seed = seed &* 1_000 &+ UInt64(index) &* 2 &+ stream
            result.idPrefix = prefix
            result.shares.late = 500
            result.shares.malformed = 500
            result.shares.conflicts = 100
            result.shares.envelopes = 1_000
            result.shares.outboxStrings = 1_000
            return result
        }
        var day = configuration("day_", from: now - historyMilliseconds, stream: 0)
        day.count = TransferGenerator(day).count(before: now)
        history = TransferGenerator(day)
        live = TransferGenerator(configuration("live_", from: now, stream: 1))
        var logger = Logger(label: "demo")
        logger.logLevel = .error
        producer = try KafkaProducer(
            properties: [
                "bootstrap.servers": brokers, "message.timeout.ms": "\(Self.giveUpAfterMs)",
            ], logger: logger)
        topic = try producer.topic(region.topic)
    }

    /// Produces the whole history as fast as the broker accepts it, or until `stop`. Blocks.
    func fillHistory() throws {
        var bytes: [UInt8] = []
        for position in 0..<history.configuration.count {
            guard mayGoOn else { break }
            try produce(position, of: history, &bytes)
        }
        while mayGoOn, !producer.flush(timeoutMs: 250) {}
        try requireTaken()
    }

    /// Produces live transfers when they are due, starting at the end of history, until `stop`.
    /// Blocks.
    func runLive(now: @Sendable () -> UnixTime) throws {
        var bytes: [UInt8] = []
        var next = 0
        while mayGoOn {
            while mayGoOn, next < live.configuration.count, live.recordTime(at: next) <= now() {
                try produce(next, of: live, &bytes)
                next += 1
            }
            usleep(20_000)
        }
        try requireTaken()
    }

    /// Ends `fillHistory` and `runLive` permanently. Any thread.
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
            let bucket = CurrencyMinute(currency: event.currency, minute: event.settledAt.minute)
            state.sums[bucket, default: Sum()].settled += event.amount
            state.sums[bucket, default: Sum()].transfers += 1
        }
    }

    /// Waits until the broker has acknowledged everything.
    func finish() async throws {
        _ = try await producer.flushed(within: .seconds(30))
        guard producer.outstanding == 0 else { throw Self.notTaken(region) }
        try requireTaken()
    }

    private func requireTaken() throws {
        guard producer.failed == 0 else { throw Self.notTaken(region) }
    }

    private static func notTaken(_ region: RegionID) -> DemoFailure {
        DemoFailure("region \(region): the broker did not acknowledge all transfers")
    }

    var sums: [CurrencyMinute: Sum] { state.withLock(\.sums) }
    var tally: EventTally { state.withLock(\.tally) }

    func close() { producer.close() }
}
