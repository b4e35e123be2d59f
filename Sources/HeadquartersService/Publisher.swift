import CivilTime
import Federation
import Logging
import Money
import PublicAPI
import RedisStore
import Reporting
import ServiceLifecycle
import Synchronization
import Topology

/// Reads the store once a second and publishes what it says.
///
/// Two loops share the state: one reads, and may wait for the store as long as that takes; the
/// other publishes on time whatever the first one waits for, so that an answer is labelled stale
/// when it is.
final class Publisher: Service {
    private struct State {
        var publication: Publication
        var converter: TotalConverter
        var answers: [MoneyMoved] = []
        var degradations: [Degradation] = []
        var counters = Publication.Counters()
    }

    /// The least time between the end of one read and the beginning of the next.
    private static let pauseMin: Duration = .milliseconds(50)

    private let topology: Topology
    private let interval: Duration
    private let store: RedisStore
    private let published: PublishedSnapshot
    private let logger: Logger
    private let state: Mutex<State>

    init(
        topology: Topology, interval: Duration, store: RedisStore, published: PublishedSnapshot,
        logger: Logger
    ) {
        self.topology = topology
        self.interval = interval
        self.store = store
        self.published = published
        self.logger = logger
        state = Mutex(
            State(
                publication: Publication(settings: topology.publicationSettings),
                converter: Self.converter(topology, rates: nil)))
    }

    func run() async throws {
        // The sleeps end the loops: by the shutdown's cancellation.
        try? await cancelWhenGracefulShutdown {
            try await withThrowingTaskGroup(of: Void.self) { loops in
                loops.addTask { try await self.readRepeatedly() }
                loops.addTask { try await self.publishRepeatedly() }
                try await loops.waitForAll()
            }
        }
    }

    private func readRepeatedly() async throws {
        let storeState = StoreState(side: "publisher", logger: logger)
        let regions = topology.regions.map(\.id)
        while true {
            let begin = ContinuousClock.now
            do {
                let position = state.withLock { $0.publication.readPosition }
                let refresh = try await store.refresh(since: position, regions: regions)
                let now = WallClock.now()
                state.withLock { $0.publication.take(refresh, now: now) }
                storeState.note(nil)
            } catch {
                state.withLock { $0.publication.storeIsUnreachable() }
                storeState.note(error)
            }
            publish()
            try await Task.sleep(
                until: max(begin + interval, ContinuousClock.now + Self.pauseMin),
                clock: .continuous)
        }
    }

    private func publishRepeatedly() async throws {
        var watcher = topology.rates.map { RatesWatcher(path: $0.file, logger: logger) }
        while true {
            if let rates = watcher?.changedRates() {
                let converter = Self.converter(topology, rates: rates)
                state.withLock { $0.converter = converter }
            }
            publish()
            try await Task.sleep(for: interval)
        }
    }

    /// Publishes what stands now, unless that is what was published last.
    private func publish() {
        let now = WallClock.now()
        let events = state.withLock { state -> [Event] in
            guard let totals = state.publication.totals(now: now) else { return [] }
            let answers = state.converter.answers(for: totals, now: now)
            if answers != state.answers || published.current == nil {
                state.answers = answers
                published.publish(
                    PublicSnapshot(report: report(answers, totals: totals, now: now)))
            }
            return Self.events(totals, &state)
        }
        for event in events { event.log(logger) }
    }

    /// What is known so far of the report.
    private func report(
        _ answers: [MoneyMoved], totals: PublishedTotals, now: UnixTime
    ) -> PublicReport {
        var degradations = totals.degradations.map {
            ReportedDegradation(reason: $0.reason.rawValue, region: $0.region)
        }
        if degradations.isEmpty, answers.contains(where: \.isDegraded) {
            degradations = [ReportedDegradation(reason: "rates_incomplete")]
        }
        return PublicReport(
            version: "\(totals.position.storeID).\(totals.position.version)",
            currentMinute: totals.currentMinute, dataAsOf: totals.dataAsOf, madeAt: now,
            currencies: totals.currencies.map {
                CurrencyFigure(
                    currency: $0.currency, amount: $0.amount, transfers: $0.transfers)
            },
            other: nil, regions: [], rates: nil, degradations: degradations, late: [],
            bases: answers.map {
                BaseReport(
                    currency: $0.base, total: $0.amount,
                    currencies: Array(repeating: nil, count: totals.currencies.count), other: nil,
                    regions: [], series: [])
            },
            defaultBase: topology.defaultBase)
    }

    private static func converter(_ topology: Topology, rates: RateSet?) -> TotalConverter {
        TotalConverter(
            bases: topology.baseCurrencies, unconverted: topology.unconverted, rates: rates,
            expectsRates: topology.rates != nil, staleAfter: topology.rates?.staleAfter)
    }
}

extension Publisher {
    /// What an operator should read about.
    private enum Event {
        case degradations([Degradation])
        case recoveries(Int)
        case mismatches(Int)

        func log(_ logger: Logger) {
            switch self {
            case .degradations(let degradations):
                logger.notice(
                    "degradations changed",
                    metadata: [
                        "reasons": .array(
                            degradations.map { degradation in
                                let region = degradation.region.map { ":\($0)" } ?? ""
                                return "\(degradation.reason.rawValue)\(region)"
                            })
                    ])
            case .recoveries(let count):
                logger.warning(
                    "store holds less than was published", metadata: ["times": "\(count)"])
            case .mismatches(let count):
                logger.error("self-check found wrong sums", metadata: ["times": "\(count)"])
            }
        }
    }

    private static func events(_ totals: PublishedTotals, _ state: inout State) -> [Event] {
        var events: [Event] = []
        let counters = state.publication.counters
        if totals.degradations != state.degradations {
            events.append(.degradations(totals.degradations))
        }
        if counters.recoveries != state.counters.recoveries {
            events.append(.recoveries(counters.recoveries))
        }
        if counters.selfCheckMismatches != state.counters.selfCheckMismatches {
            events.append(.mismatches(counters.selfCheckMismatches))
        }
        state.degradations = totals.degradations
        state.counters = counters
        return events
    }
}
