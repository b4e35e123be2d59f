import DeltaIngest
import DeltaProtocol
import Federation
import HTTPListener
import Logging
import Pacing
import RedisStore
import Topology

/// Ingest on the global Redis.
struct StoreDeltaHandler: DeltaHandler {
    /// A node backs off by itself; this keeps it from doing so for longer than needed.
    private static let retryAfterSeconds = 1
    /// How many refused shards of a request one line of the log names.
    private static let shardsShown = 4

    private let store: RedisStore
    private let driver: CommitDriver
    private let settings: [RegionID: CommitRound.Settings]
    private let refused: RareLog
    private let state: StoreState

    init(
        store: RedisStore, configuration: HeadquartersConfiguration, commits: CommitState,
        logger: Logger
    ) {
        self.store = store
        driver = CommitDriver(store: store, state: commits, logger: logger)
        state = StoreState(side: "ingest", logger: logger)
        let topology = configuration.topology
        refused = RareLog(logger)
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
        let reply = try await answering {
            try await driver.commit(request, settings: settings)
        }
        logRefusals(reply, of: request)
        return reply
    }

    func statuses(
        region: RegionID, partition: Int32?
    ) async throws(IngestUnavailable) -> ShardStatuses {
        let now = driver.state.present(at: WallClock.reading())
        return try await answering {
            ShardStatuses(
                shards: try await store.statuses(
                    region: region, partition: partition, withValues: partition != nil, now: now),
                serverTime: now)
        }
    }

    var isReady: Bool {
        get async {
            guard let region = settings.keys.min() else { return false }
            return (try? await statuses(region: region, partition: nil)) != nil
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

    /// A refusal is an operator's matter, save for one by the store, which passes.
    private func logRefusals(_ reply: DeltaReply, of request: DeltaRequest) {
        let refusals = reply.shards.compactMap { shard -> String? in
            guard case .refused(let reason) = shard.outcome, reason != .store else { return nil }
            return "\(shard.log)/\(shard.partition): \(reason.rawValue)"
        }
        guard !refusals.isEmpty else { return }
        refused.warning(
            "shards refused", of: request.region.name,
            metadata: [
                "region": "\(request.region)", "shards": "\(refusals.count)",
                "first": "\(refusals.prefix(Self.shardsShown).joined(separator: ", "))",
            ])
    }
}
