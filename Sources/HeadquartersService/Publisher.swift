import CivilTime
import Federation
import Logging
import Money
import Pacing
import PublicAPI
import RatesCore
import RatesFeed
import RedisStore
import Reporting
import ServiceLifecycle
import Synchronization
import Topology

/// Reads the store when it changes and publishes what it says, at the times of one clockwork.
///
/// Three loops share the state: one reads, and may wait for the store as long as that takes;
/// another publishes on time whatever the first one waits for, so that an answer is labelled stale
/// when it is; the third keeps what is shown in a file, for the next run to go on from.
final class Publisher: Service {
    private struct State {
        var publication: Publication
        var builder: ReportBuilder
        var clockwork: PublicationClockwork
        /// What is served, and what viewers of the stream were sent last.
        var snapshot: PublicSnapshot?
        var sent: PublicSnapshot?
        var counters = Publication.Counters()
        /// Where the list of changed minutes ended in what the file holds; nil where the file has
        /// to be written whole.
        var keptUpTo: ChangePosition?
        /// Since when a read waits for the file before it is published.
        var keepingSince: ContinuousClock.Instant?
    }

    /// How the publisher goes about it.
    struct Configuration {
        var topology: Topology
        /// How often the kept state is made to outlive a power cut.
        var stateInterval: Duration
    }

    private let configuration: Configuration
    private let store: RedisStore
    private let ratesFeed: RatesFeed?
    private let published: PublishedSnapshot
    private let commits: CommitState
    private let keeper: StateKeeper?
    private let firstTurn: FirstTurn
    private let logger: Logger
    private let state: Mutex<State>

    /// - Parameters:
    ///   - commits: source of HQ's present and of the problems that commit rounds detect.
    ///   - keeper: nil where nothing is kept for the next run.
    ///   - firstTurn: ended once something is published, or was not to be had in time.
    init(
        _ configuration: Configuration, store: RedisStore, ratesFeed: RatesFeed?,
        published: PublishedSnapshot, commits: CommitState, keeper: StateKeeper?,
        firstTurn: FirstTurn, logger: Logger
    ) {
        self.configuration = configuration
        self.store = store
        self.ratesFeed = ratesFeed
        self.published = published
        self.commits = commits
        self.keeper = keeper
        self.firstTurn = firstTurn
        self.logger = logger
        state = Mutex(
            State(
                publication: Publication(settings: configuration.topology.publicationSettings),
                builder: ReportBuilder(configuration.topology.reportSettings),
                clockwork: PublicationClockwork(
                    configuration.topology.pace.clockworkSettings, at: Self.uptime())))
    }

    func run() async throws {
        if let keeper, let snapshot = await keeper.load(now: present()) {
            let settings = configuration.topology.publicationSettings
            state.withLock {
                $0.publication = Publication(settings: settings, restoring: snapshot)
            }
        }
        await awaitFirstRates()
        // The sleeps end the loops: by the shutdown's cancellation.
        try? await cancelWhenGracefulShutdown {
            try await withThrowingTaskGroup(of: Void.self) { loops in
                loops.addTask { try await self.readRepeatedly() }
                loops.addTask { try await self.publishRepeatedly() }
                if let keeper = self.keeper {
                    loops.addTask { try await self.keepRepeatedly(keeper) }
                }
                try await loops.waitForAll()
            }
        }
        if let keeper {
            // Nothing is shown any more: the next run goes on from exactly this.
            let now = present()
            let last = state.withLock { $0.publication.snapshot(since: nil, now: now) }
            if let last { _ = await keeper.keep(last) }
            await keeper.stop()
        }
    }

    private func present() -> UnixTime { commits.present(at: WallClock.reading()) }

    /// The clockwork's time.
    private static func uptime() -> Int64 { WallClock.reading().uptime }

    /// Sleeps until a time of the clockwork's, not at all where it is past.
    private static func sleep(until time: Int64) async throws {
        try await Task.sleep(for: .milliseconds(max(0, time - uptime())))
    }

    /// At least so often a report is made.
    private var interval: Duration { configuration.topology.pace.refreshMax }

    private func readRepeatedly() async throws {
        let storeState = StoreState(side: "publisher", logger: logger)
        let regions = configuration.topology.regions.map(\.id)
        var unfilled: Set<RegionID> = []
        while true {
            let (question, time) = state.withLock {
                $0.clockwork.next(isWhole: $0.publication.readPosition == nil)
            }
            try await Self.sleep(until: time)
            guard question == .changes else {
                let position = try? await store.position()
                state.withLock { $0.clockwork.looked(position, at: Self.uptime()) }
                continue
            }
            let position = state.withLock {
                $0.clockwork.readBegan(at: Self.uptime())
                return $0.publication.readPosition
            }
            do {
                let refresh = try await store.refresh(since: position, regions: regions)
                let now = present()
                let losses = state.withLock { state in
                    state.publication.take(refresh, now: now)
                    state.clockwork.readEnded(refresh.position, at: Self.uptime())
                    return state.publication.losses
                }
                storeState.note(nil)
                await fillAgain(losses, &unfilled)
            } catch {
                state.withLock {
                    $0.publication.storeIsUnreachable()
                    $0.clockwork.readEnded(nil, at: Self.uptime())
                }
                storeState.note(error)
            }
            await keepChanges()
            publish()
        }
    }

    /// Makes the regions resend minutes that the store lost. If this fails, the next read reports
    /// the same minutes; `unfilled` are the regions whose failure was logged.
    private func fillAgain(
        _ losses: [RegionID: [Minute]], _ unfilled: inout Set<RegionID>
    ) async {
        for (region, minutes) in losses.sorted(by: { $0.key < $1.key }) {
            let metadata: Logger.Metadata = [
                "region": "\(region)", "minutes": "\(minutes.count)",
            ]
            do {
                _ = try await store.refill(region, minutes: minutes)
                state.withLock { $0.publication.areFilledAgain([region]) }
                unfilled.remove(region)
                logger.error(
                    "Redis lost minutes that nothing had changed; their region sends them again",
                    metadata: metadata)
            } catch {
                guard unfilled.insert(region).inserted else { continue }
                logger.error(
                    "Redis lost minutes, and its watermarks could not be dropped",
                    metadata: metadata.merging(["error": "\(error)"]) { $1 })
            }
        }
    }

    /// The first turn comes after one interval: what was restored may be older than what the last
    /// run showed, so the store first has its chance to answer.
    private func publishRepeatedly() async throws {
        while true {
            let due = state.withLock { $0.clockwork.reportDue }
            guard due <= Self.uptime() else {
                try await Self.sleep(until: due)
                continue
            }
            // What is being kept is published a moment later, unless the disk hangs.
            let keepingSince = state.withLock { $0.keepingSince }
            if let keepingSince, .now - keepingSince < interval {
                try await Task.sleep(until: keepingSince + interval, clock: .continuous)
                continue
            }
            publish()
            firstTurn.end()
        }
    }

    /// Publishes the present totals, unless they were published a moment ago, and has viewers sent
    /// an event when one is due.
    private func publish() {
        let now = present()
        let rates = rates(now: now)
        let findings = commits.findings(at: WallClock.reading())
        let events = state.withLock { state -> [Event] in
            state.publication.take(findings)
            let report = state.builder.report(of: &state.publication, rates: rates, now: now)
            let before = state.snapshot
            if let report, isNews(report, after: before?.report) {
                let snapshot = PublicSnapshot(
                    report: report, origin: configuration.topology.listeners.publicURL?.origin)
                state.snapshot = snapshot
                published.publish(snapshot)
                firstTurn.end()
            }
            let hasSame = state.snapshot.map { state.sent?.hasSameTotals(as: $0) ?? false } ?? true
            if state.clockwork.reported(isNews: !hasSame, at: Self.uptime()) {
                state.sent = state.snapshot
                published.notifyViewers()
            }
            return report.map { Self.events($0, after: before?.report, &state) } ?? []
        }
        for event in events { event.log(logger) }
    }

    /// Whether a report says anything else than the one before, or is due by its age.
    private func isNews(_ report: PublicReport, after before: PublicReport?) -> Bool {
        guard var before else { return true }
        let due = before.madeAt + interval.milliseconds
        if report.madeAt >= due || report.madeAt < before.madeAt { return true }
        before.madeAt = report.madeAt
        return report != before
    }
}

// MARK: What the next run goes on from

extension Publisher {
    /// Appends what the last read changed. It is kept before it is published, so that a process
    /// that is killed comes back with nothing older than what it showed.
    private func keepChanges() async {
        guard let keeper else { return }
        let now = present()
        let news = state.withLock { state -> (PublicationSnapshot, ChangePosition)? in
            guard let position = state.keptUpTo,
                let changes = state.publication.snapshot(since: position, now: now),
                !changes.isWhole
            else {
                state.keptUpTo = nil
                return nil
            }
            state.keepingSince = .now
            return (changes, state.publication.changesEnd)
        }
        guard let (changes, end) = news else { return }
        let next = await keeper.keep(changes)
        state.withLock { state in
            state.keptUpTo = next == .changes ? end : nil
            state.keepingSince = nil
        }
    }

    /// Writes the file whole where it has to be, and makes it outlive a power cut now and then.
    private func keepRepeatedly(_ keeper: StateKeeper) async throws {
        var syncedAt = ContinuousClock.now
        while true {
            try await Task.sleep(for: interval)
            let now = present()
            let whole = state.withLock { state -> (PublicationSnapshot, ChangePosition)? in
                guard state.keptUpTo == nil,
                    let snapshot = state.publication.snapshot(since: nil, now: now)
                else { return nil }
                return (snapshot, state.publication.changesEnd)
            }
            if let (snapshot, end) = whole {
                let next = await keeper.keep(snapshot)
                state.withLock { $0.keptUpTo = next == .changes ? end : nil }
                syncedAt = .now
            } else if .now - syncedAt >= configuration.stateInterval {
                await keeper.sync()
                syncedAt = .now
            }
        }
    }
}

// MARK: What an operator should read about

extension Publisher {
    private enum Event {
        case degradations([ReportedDegradation])
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
                                let names = degradation.region.map { [$0.name] } ?? []
                                return .string(
                                    ([degradation.reason] + names + degradation.currencies)
                                        .joined(separator: ":"))
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

    private static func events(
        _ report: PublicReport, after before: PublicReport?, _ state: inout State
    ) -> [Event] {
        var events: [Event] = []
        let counters = state.publication.counters
        if report.degradations != before?.degradations ?? [] {
            events.append(.degradations(report.degradations))
        }
        if counters.recoveries != state.counters.recoveries {
            events.append(.recoveries(counters.recoveries))
        }
        if counters.selfCheckMismatches != state.counters.selfCheckMismatches {
            events.append(.mismatches(counters.selfCheckMismatches))
        }
        state.counters = counters
        return events
    }
}

// MARK: Rates

extension Publisher {
    /// How long the first report waits for the first look at the rates.
    private static let firstRatesWaitMax: Duration = .seconds(2)

    /// Waits until the source of rates has been looked at: a report made earlier would say that
    /// there are none.
    private func awaitFirstRates() async {
        guard let ratesFeed else { return }
        let deadline = ContinuousClock.now + Self.firstRatesWaitMax
        while !ratesFeed.hasLooked, ContinuousClock.now < deadline {
            guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { return }
        }
    }

    /// The rates as they stand; nil before the first.
    private func rates(now: UnixTime) -> RatesInForce? {
        ratesFeed?.current.map { reading in
            RatesInForce(
                set: reading.set, fetchedAt: reading.fetchedAt, days: reading.days,
                stale: reading.stale(at: now), held: reading.held)
        }
    }
}
