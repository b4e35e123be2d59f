import DeltaIngest
import DeltaProtocol
import Federation
import Identifiers
import Logging
import Pacing
import Platform
import RedisStore
import Topology

/// Commits deltas to the global Redis.
struct StoreDeltaHandler: DeltaHandler {
    /// Short, because a node adds its own backoff.
    private static let retryAfterSeconds = 1

    private let store: RedisStore
    private let driver: CommitDriver
    private let settings: [RegionID: CommitRound.Settings]
    private let state: StoreState

    init(
        store: RedisStore, configuration: HeadquartersConfiguration, commits: CommitState,
        logger: Logger
    ) {
        self.store = store
        driver = CommitDriver(store: store, state: commits, logger: logger)
        state = StoreState(side: "ingest", logger: logger)
        let topology = configuration.topology
        let knownLogs = topology.knownLogs
        settings = Dictionary(
            uniqueKeysWithValues: topology.regions.map { region in
                (
                    region.id,
                    CommitRound.Settings(
                        knownLogs: knownLogs[region.id] ?? [:],
                        fixedPartitions: region.declaredPartitions,
                        currentLog: region.currentLog?.id, isSummed: store.sums(region.id),
                        comparesDigests: true)
                )
            })
    }

    func commit(_ request: DeltaRequest) async throws(IngestUnavailable) -> DeltaReply {
        var settings =
            settings[request.region] ?? CommitRound.Settings(knownLogs: [:], isSummed: false)
        settings.fixedPartitions.merge(store.partitions(of: request.region)) { $1 }
        return try await answering { try await driver.commit(request, settings: settings) }
    }

    func statuses(
        region: RegionID, partition: Int32?
    ) async throws(IngestUnavailable) -> ShardStatuses {
        let now = driver.state.present(at: SystemClock.reading())
        return try await answering {
            ShardStatuses(
                shards: try await store.statuses(
                    region: region, partition: partition, withValues: partition != nil, now: now),
                serverTime: now)
        }
    }

    private func answering<Answer>(
        _ ask: () async throws -> Answer
    ) async throws(IngestUnavailable) -> Answer {
        do {
            let answer = try await ask()
            state.note(nil)
            return answer
        } catch {
            state.note(error)
            throw IngestUnavailable(retryAfterSeconds: Self.retryAfterSeconds)
        }
    }
}
