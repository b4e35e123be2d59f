import Addresses
import CivilTime
import Federation
import Identifiers
import Logging
import Money
import Pacing
import Platform
import PublicAPI
import Publishing
import RatesCore
import RatesFeed
import RedisStore
import ServiceLifecycle
import Synchronization
import Topology

/// Reads the store when it changes and publishes the totals, at the times of one clockwork.
///
/// Three loops share the state. One reads the store, however long that takes. Another publishes on
/// time even while the first one waits, so that stale answers are labelled. The third saves the
/// published values in a file, from which the next run continues.
final class Publisher: Service {
    private struct State {
        var publication: Publication
        var builder: ReportBuilder
        var clockwork: PublicationClockwork
        /// What is served now, and what viewers of the stream last received.
        var rendered: RenderedReport?
        var sent: RenderedReport?
        var rateSets = RateSetShelf()
        var counters = PublicationCounters()
        /// The position in the list of changed minutes up to which the file is complete; nil if
        /// the whole file must be written.
        var keptUpTo: ChangePosition?
        /// Since when the last read waits to be saved before it is published; nil if none does.
        var keepingSince: ContinuousClock.Instant?
    }

    struct Configuration {
        var topology: Topology
        /// How often the state file is synced to disk.
        var stateInterval: Duration
    }

    private let configuration: Configuration
    private let store: RedisStore
    private let ratesFeed: RatesFeed?
    private let published: ReportBoard
    private let commits: CommitState
    private let keeper: StateKeeper?
    private let firstTurn: FirstTurn
    private let logger: Logger
    private let state: Mutex<State>

    /// - Parameters:
    ///   - commits: source of HQ's current time and of the problems that commit rounds detect.
    ///   - keeper: nil without a state file.
    ///   - firstTurn: ended after the first report is published, or was not available in time.
    init(
        _ configuration: Configuration, store: RedisStore, ratesFeed: RatesFeed?,
        published: ReportBoard, commits: CommitState, keeper: StateKeeper?,
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
        if let keeper, let checkpoint = await keeper.load(now: present()) {
            let settings = configuration.topology.publicationSettings
            state.withLock {
                $0.publication = Publication(settings: settings, restoring: checkpoint)
            }
        }
        await awaitFirstRates()
        // The shutdown cancels the sleeps, which ends the loops.
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
            // Nothing is published any more, so the next run continues from exactly this state.
            let now = present()
            let last = state.withLock { $0.publication.checkpoint(since: nil, now: now) }
            if let last { _ = await keeper.keep(last) }
            await keeper.stop()
        }
    }

    private func present() -> UnixTime { commits.present(at: SystemClock.reading()) }

    /// The clockwork's time.
    private static func uptime() -> Int64 { SystemClock.uptime() }

    /// Sleeps until a time of the clockwork; returns at once if it is past.
    private static func sleep(until time: Int64) async throws {
        try await Task.sleep(for: .milliseconds(max(0, time - uptime())))
    }

    /// The greatest time between two reports.
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
                    "Redis lost minutes (deleted or evicted keys?); their region resends them",
                    metadata: metadata)
            } catch {
                guard unfilled.insert(region).inserted else { continue }
                logger.error(
                    "Redis lost minutes; deleting the watermarks to make the region resend failed",
                    metadata: metadata.merging(["error": "\(error)"]) { $1 })
            }
        }
    }

    /// The first turn comes after one interval: the restored values may be older than what the last
    /// run published, so the store gets time to answer first.
    private func publishRepeatedly() async throws {
        while true {
            let due = state.withLock { $0.clockwork.reportDue }
            guard due <= Self.uptime() else {
                try await Self.sleep(until: due)
                continue
            }
            // A read that is being saved is published a moment later, unless the disk hangs.
            let keepingSince = state.withLock { $0.keepingSince }
            if let keepingSince, .now - keepingSince < interval {
                try await Task.sleep(until: keepingSince + interval, clock: .continuous)
                continue
            }
            publish()
            firstTurn.end()
        }
    }

    /// Publishes the current totals, unless they were published a moment ago, and sends viewers an
    /// event when one is due.
    private func publish() {
        let now = present()
        let rates = rates(now: now)
        let findings = commits.findings(at: SystemClock.reading())
        let events = state.withLock { state -> [Event] in
            state.publication.take(findings)
            let report = state.builder.report(of: &state.publication, rates: rates, now: now)
            let before = state.rendered
            if let report, isNews(report, after: before?.report) {
                if let rates, rates.set.id != state.rateSets.latestID {
                    state.rateSets.put(PublicRateSet(rates.set, days: rates.days))
                }
                let rendered = RenderedReport(
                    report: report, origin: configuration.topology.listeners.publicURL?.origin,
                    rateSets: state.rateSets)
                state.rendered = rendered
                published.publish(rendered)
                firstTurn.end()
            }
            let hasSame = state.rendered.map { state.sent?.hasSameTotals(as: $0) ?? false } ?? true
            if state.clockwork.reported(isNews: !hasSame, at: Self.uptime()) {
                state.sent = state.rendered
                published.notifyViewers()
            }
            return report.map { Self.events($0, after: before?.report, &state) } ?? []
        }
        for event in events { event.log(logger) }
    }

    /// Whether a report differs from the previous one, or is due by its age.
    private func isNews(_ report: PublicReport, after before: PublicReport?) -> Bool {
        guard var before else { return true }
        let due = before.madeAt + interval.milliseconds
        if report.madeAt >= due || report.madeAt < before.madeAt { return true }
        before.madeAt = report.madeAt
        return report != before
    }
}

// MARK: The state file

extension Publisher {
    /// Appends what the last read changed, before it is published. So a killed process never
    /// restarts with values older than it published.
    private func keepChanges() async {
        guard let keeper else { return }
        let now = present()
        let news = state.withLock { state -> (PublicationCheckpoint, ChangePosition)? in
            guard let position = state.keptUpTo,
                let changes = state.publication.checkpoint(since: position, now: now),
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

    /// Writes the whole file when necessary, and regularly syncs it to disk.
    private func keepRepeatedly(_ keeper: StateKeeper) async throws {
        var syncedAt = ContinuousClock.now
        while true {
            try await Task.sleep(for: interval)
            let now = present()
            let whole = state.withLock { state -> (PublicationCheckpoint, ChangePosition)? in
                guard state.keptUpTo == nil,
                    let checkpoint = state.publication.checkpoint(since: nil, now: now)
                else { return nil }
                return (checkpoint, state.publication.changesEnd)
            }
            if let (checkpoint, end) = whole {
                let next = await keeper.keep(checkpoint)
                state.withLock { $0.keptUpTo = next == .changes ? end : nil }
                syncedAt = .now
            } else if .now - syncedAt >= configuration.stateInterval {
                await keeper.sync()
                syncedAt = .now
            }
        }
    }
}

// MARK: Logged events

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
                    """
                    Redis lost data (restart or flush?); serving the last good total while regions \
                    resend
                    """, metadata: ["times": "\(count)"])
            case .mismatches(let count):
                logger.error(
                    "self-check found wrong running sums and corrected them",
                    metadata: ["times": "\(count)"])
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
    /// How long the first report waits for the first check of rates.
    private static let firstRatesWaitMax: Duration = .seconds(2)

    /// Waits until the source of rates was checked once: an earlier report would say that there are
    /// no rates.
    private func awaitFirstRates() async {
        guard let ratesFeed else { return }
        let deadline = ContinuousClock.now + Self.firstRatesWaitMax
        while !ratesFeed.hasLooked, ContinuousClock.now < deadline {
            guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { return }
        }
    }

    /// The current rates; nil before the first ones.
    private func rates(now: UnixTime) -> RatesInForce? {
        ratesFeed?.current.map { reading in
            RatesInForce(
                set: reading.set, fetchedAt: reading.fetchedAt, days: reading.days,
                stale: reading.stale(at: now), held: reading.held)
        }
    }
}
