package import CivilTime
internal import Glibc
package import Logging
internal import Money
internal import ServiceLifecycle
internal import Synchronization
package import Topology

/// Keeps the last good exchange rates of the topology's source, looking for newer ones in the
/// background for as long as it runs.
///
/// Whatever the source does or says, the last good rates stay; `RatesReading` tells how old they
/// are. Everything here may be called from any thread.
package final class RatesFeed: Service {
    private struct State {
        var book: RatesBook
        var hasLooked = false
    }

    private let origin: any RatesOrigin
    private let schedule: RatesSchedule
    private let now: @Sendable () -> UnixTime
    private let logger: Logger
    private let state: Mutex<State>

    /// Nil where the topology names no source of rates. Nothing is read yet.
    /// - Parameter now: the clock that guards and fetch times go by.
    /// - Throws: where there can be no thread.
    package convenience init?(
        topology: Topology, logger: Logger,
        now: @escaping @Sendable () -> UnixTime = RatesFeed.systemTime
    ) throws(RatesFeedError) {
        guard let source = topology.rates, let file = source.file else { return nil }
        let origin: any RatesOrigin
        do {
            origin = try RatesFileWatcher(path: file)
        } catch {
            throw RatesFeedError("rates: \(error)")
        }
        self.init(
            origin: origin, schedule: RatesSchedule(refresh: .seconds(1)),
            book: RatesBook(
                policy: RatesPolicy(
                    jumpFactorMax: nil, requiredBase: nil, allowsAnyDate: true),
                calendar: .byHand(staleAfter: source.staleAfter),
                converted: topology.currencies.filter { !topology.unconverted.contains($0) }),
            logger: logger, now: now)
    }

    init(
        origin: any RatesOrigin, schedule: RatesSchedule, book: RatesBook, logger: Logger,
        now: @escaping @Sendable () -> UnixTime
    ) {
        self.origin = origin
        self.schedule = schedule
        self.logger = logger
        self.now = now
        state = Mutex(State(book: book))
    }

    /// The last good rates; nil before the first.
    package var current: RatesReading? { state.withLock { $0.book.reading } }

    /// Whether the source has been looked at, with or without success. Until then it is too early
    /// to say that there are no rates.
    package var hasLooked: Bool { state.withLock { $0.hasLooked } }

    package var counters: RatesCounters { state.withLock { $0.book.counters } }

    /// Looks again and again until a graceful shutdown or a cancellation; may be called once.
    package func run() async {
        await cancelWhenGracefulShutdown {
            await withTaskCancellationHandler {
                await self.lookRepeatedly()
            } onCancel: {
                self.origin.stop()
            }
        }
        await origin.close()
    }

    private func lookRepeatedly() async {
        var schedule = schedule
        var random = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            let observation = await origin.look()
            let time = now()
            let result = state.withLock { state in
                state.hasLooked = true
                return state.book.take(observation, now: time)
            }
            if result.isAccepted { origin.accepted() }
            for event in result.events { event.log(logger) }
            let wait = schedule.wait(after: observation, using: &random)
            // Ended by a cancellation, which ends the loop.
            try? await Task.sleep(for: wait)
        }
    }

    /// The machine's clock.
    package static func systemTime() -> UnixTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UnixTime(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
