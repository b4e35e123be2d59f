import Addresses
package import CivilTime
internal import Glibc
package import HTTPClient
package import Logging
internal import Money
import Platform
package import RatesCore
internal import ServiceLifecycle
internal import Synchronization
package import Topology

/// Keeps the last good exchange rates of the topology's source, and regularly checks for newer
/// ones.
///
/// The last good rates remain whatever the source sends; `RatesReading` gives their age. All
/// methods may be called from any thread.
package final class RatesFeed: Service {
    private struct State {
        var book: RatesBook
        var hasLooked = false
    }

    /// A place to check. The source itself comes first, then the witnesses of the topology.
    private struct Place {
        var origin: any RatesOrigin
        var schedule: RatesSchedule
        /// For display.
        var name: String
        /// The position among the witnesses; nil for the source.
        var witness: Int?
    }

    private let places: [Place]
    private let provider: RatesProvider?
    private let keeper: RatesKeeper?
    private let now: @Sendable () -> UnixTime
    private let logger: Logger
    private let state: Mutex<State>

    /// For a provider's answer; a document of rates has at most 30 KiB.
    package static let defaultBounds = HTTPClientConfiguration(
        connectTimeout: .seconds(5), totalTimeout: .seconds(30), slowBytesPerSecond: 64,
        slowTime: .seconds(10), maximumBodyBytes: RatesDocument.maximumBytes)

    /// Nil if the topology has no source of rates. Does not read or connect yet.
    /// - Parameters:
    ///   - keptIn: the path of a file that holds a provider's last good rates and doubted jumps.
    ///     The next run continues from it before the provider has answered; nil for none. Not used
    ///     if the source is a file.
    ///   - bounds: limits for a provider's answer.
    ///   - now: the clock for checks and fetch times.
    /// - Throws: if libcurl refuses a URL or a thread cannot start.
    package convenience init?(
        topology: Topology, logger: Logger, keptIn path: String? = nil,
        bounds: HTTPClientConfiguration = defaultBounds,
        now: @escaping @Sendable () -> UnixTime = SystemClock.now
    ) throws(RatesFeedError) {
        guard let source = topology.rates else { return nil }
        var provider: RatesProvider?
        if case .provider(let asked, _) = source.origin { provider = asked }
        var places = [try Self.place(source, bounds: bounds)]
        for (number, witness) in source.witnesses.enumerated() {
            places.append(try Self.place(witness, witness: number, bounds: bounds))
        }
        self.init(
            places: places,
            provider: provider, keeper: provider == nil ? nil : try path.map(Self.keeper),
            book: RatesBook(
                policy: RatesPolicy(
                    jumpFactorMax: source.jumpFactorMax, isByHand: provider == nil),
                calendar: RatesCalendar(source),
                converted: topology.currencies.filter { !topology.unconverted.contains($0) }),
            logger: logger, now: now)
    }

    private static func place(
        _ source: RatesSource, witness: Int? = nil, bounds: HTTPClientConfiguration
    ) throws(RatesFeedError) -> Place {
        var name = "file"
        if case .provider(let provider, _) = source.origin { name = provider.title }
        return Place(
            origin: try origin(source, bounds: bounds),
            schedule: RatesSchedule(refresh: source.refresh, isFetched: source.file == nil),
            name: name, witness: witness)
    }

    private static func origin(
        _ source: RatesSource, bounds: HTTPClientConfiguration
    ) throws(RatesFeedError) -> any RatesOrigin {
        do {
            switch source.origin {
            case .file(let path):
                return try RatesFileWatcher(path: path)
            case .provider(let provider, let url):
                let address = try HTTPAddress(url.description)
                guard !address.isPlain || source.allowsPlainHTTP else {
                    throw RatesFeedError("rates: expected an https URL")
                }
                return try RatesDownload(
                    provider: provider, address: address, appIDFile: source.appIDFile,
                    bounds: bounds)
            }
        } catch let error as RatesFeedError {
            throw error
        } catch is MalformedAddress {
            throw RatesFeedError("rates: expected a URL as https://host/path")
        } catch {
            throw RatesFeedError("rates: \(error)")
        }
    }

    private static func keeper(_ path: String) throws(RatesFeedError) -> RatesKeeper {
        do {
            return try RatesKeeper(path: path)
        } catch {
            throw RatesFeedError("rates: \(error)")
        }
    }

    private init(
        places: [Place], provider: RatesProvider?, keeper: RatesKeeper?, book: RatesBook,
        logger: Logger, now: @escaping @Sendable () -> UnixTime
    ) {
        self.places = places
        self.provider = provider
        self.keeper = keeper
        self.logger = logger
        self.now = now
        state = Mutex(State(book: book))
    }

    /// The last good rates; nil before the first.
    package var current: RatesReading? { state.withLock { $0.book.reading } }

    /// Whether the source has been checked, with or without success. Until then, missing rates are
    /// not a problem yet.
    package var hasLooked: Bool { state.withLock { $0.hasLooked } }

    package var counters: RatesCounters { state.withLock { $0.book.counters } }

    /// Checks the source repeatedly until a graceful shutdown or a cancellation; call it only once.
    package func run() async {
        await cancelWhenGracefulShutdown {
            await self.goOn()
            await withTaskCancellationHandler {
                await withDiscardingTaskGroup { group in
                    for place in self.places {
                        group.addTask { await self.lookRepeatedly(at: place) }
                    }
                }
            } onCancel: {
                for place in self.places { place.origin.stop() }
            }
        }
        for place in places { await place.origin.close() }
        await keeper?.close()
    }

    /// Continues with the rates of an earlier run if they are of the same provider and not from the
    /// future.
    private func goOn() async {
        guard let keeper else { return }
        do {
            guard let kept = try await keeper.load() else { return }
            let time = now()
            guard kept.provider == provider,
                state.withLock({
                    $0.book.goOn(with: kept.ledger, fetchedAt: kept.fetchedAt, now: time)
                }), let set = current?.set
            else { throw RatesFeedError("from another provider, or from the future") }
            logger.notice(
                "continuing with the exchange rates of an earlier run",
                metadata: ["id": "\(set.id)", "date": "\(set.date)"])
        } catch {
            logger.error(
                "ignoring the exchange rates of an earlier run",
                metadata: ["file": "\(keeper.path)", "problem": "\(error)"])
        }
    }

    /// Saves the rates in force, and the evidence against them, for the next run.
    private func keep() async {
        guard let keeper, let provider else { return }
        do {
            // Read the state on the keeper's thread, so that the last write has the newest state.
            try await keeper.keep {
                self.state.withLock { state in
                    guard let ledger = state.book.ledger,
                        let fetchedAt = state.book.reading?.fetchedAt
                    else { return nil }
                    return KeptRates(provider: provider, ledger: ledger, fetchedAt: fetchedAt)
                }
            }
        } catch {
            logger.error(
                "cannot save the exchange rates",
                metadata: ["file": "\(keeper.path)", "problem": "\(error)"])
        }
    }

    private func lookRepeatedly(at place: Place) async {
        var schedule = place.schedule
        var random = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            let observation = await place.origin.look()
            let time = now()
            let result = state.withLock { state in
                if let witness = place.witness {
                    return state.book.hear(observation, from: witness, now: time)
                }
                state.hasLooked = true
                return state.book.take(observation, now: time)
            }
            if result.isAccepted {
                place.origin.accepted()
                await keep()
            }
            for event in result.events { event.log(logger, of: place.name) }
            let wait = schedule.wait(after: observation, using: &random)
            // A cancellation ends the sleep and the loop.
            try? await Task.sleep(for: wait)
        }
    }
}
