import DeltaIngest
import DeltaProtocol
import Logging
import RedisStore
import Topology

/// Ingest on the global Redis.
struct StoreDeltaHandler: DeltaHandler {
    /// A node backs off by itself; this keeps it from doing so for longer than needed.
    private static let retryAfterSeconds = 1

    private let store: RedisStore
    /// The logs whose values count, and how many partitions each may have.
    private let knownLogs: [RegionID: [LogID: Int32]]
    private let logger: Logger
    private let state: StoreState
    private let audit: DigestAudit

    init(store: RedisStore, topology: Topology, audit: DigestAudit, logger: Logger) {
        self.store = store
        self.audit = audit
        self.logger = logger
        state = StoreState(side: "ingest", logger: logger)
        knownLogs = topology.knownLogs
    }

    func commit(_ request: DeltaRequest) async throws(IngestUnavailable) -> DeltaReply {
        let reply = try await answering {
            try await store.commit(
                request, knownLogs: knownLogs[request.region] ?? [:], now: WallClock.now())
        }
        logRefusals(reply, of: request)
        // Before the answer, for until then the node pushes nothing that would move the coverage.
        return await audit.check(request, reply, now: WallClock.now())
    }

    func statuses(
        region: RegionID, partition: Int32?
    ) async throws(IngestUnavailable) -> [ShardStatus] {
        try await answering {
            try await store.statuses(
                region: region, partition: partition, withValues: partition != nil,
                now: WallClock.now())
        }
    }

    var isReady: Bool {
        get async {
            guard let region = knownLogs.keys.min() else { return false }
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
        for shard in reply.shards {
            guard case .refused(let reason) = shard.outcome, reason != .store else { continue }
            logger.warning(
                "shard refused",
                metadata: [
                    "region": "\(request.region)", "log": "\(shard.log)",
                    "partition": "\(shard.partition)", "reason": "\(reason.rawValue)",
                ])
        }
    }
}
