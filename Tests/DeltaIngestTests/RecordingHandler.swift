import CivilTime
import DeltaIngest
import DeltaProtocol
import Identifiers
import Synchronization

/// A store that commits everything and records its requests.
final class RecordingHandler: DeltaHandler {
    private struct State {
        var committed: [DeltaRequest] = []
        var statuses: [ShardStatus] = []
        var asked: [(region: RegionID, partition: Int32?)] = []
        var isAvailable = true
        var isHolding = false
        var isHoldingReadings = false
        var held: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var committed: [DeltaRequest] { state.withLock { $0.committed } }
    var asked: [(region: RegionID, partition: Int32?)] { state.withLock { $0.asked } }
    var held: Int { state.withLock { $0.held.count } }

    func setStatuses(_ statuses: [ShardStatus]) { state.withLock { $0.statuses = statuses } }
    func setAvailable(_ isAvailable: Bool) { state.withLock { $0.isAvailable = isAvailable } }

    /// From now on commits wait until `release`.
    func hold() { state.withLock { $0.isHolding = true } }

    /// From now on readings wait until `release`.
    func holdReadings() { state.withLock { $0.isHoldingReadings = true } }

    /// True if `count` readings are held within ten seconds.
    func holds(_ count: Int) async throws -> Bool {
        let deadline = ContinuousClock.now + .seconds(10)
        while held < count {
            guard ContinuousClock.now < deadline else { return false }
            try await Task.sleep(for: .milliseconds(2))
        }
        return true
    }

    func release() {
        let held = state.withLock { state in
            state.isHolding = false
            state.isHoldingReadings = false
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    func commit(_ request: DeltaRequest) async throws(IngestUnavailable) -> DeltaReply {
        guard state.withLock({ $0.isAvailable }) else {
            throw IngestUnavailable(retryAfterSeconds: 3)
        }
        await withCheckedContinuation { continuation in
            let waits = state.withLock { state in
                if state.isHolding { state.held.append(continuation) }
                return state.isHolding
            }
            if !waits { continuation.resume() }
        }
        state.withLock { $0.committed.append(request) }
        return DeltaReply(
            shards: request.shards.map {
                ShardReply(
                    log: $0.log, partition: $0.partition, outcome: .committed,
                    watermark: $0.coverage, claims: $0.claims,
                    fingerprint: $0.fingerprint)
            }, serverTime: UnixTime(seconds: 1_774_445_280))
    }

    func statuses(
        region: RegionID, partition: Int32?
    ) async throws(IngestUnavailable) -> ShardStatuses {
        await withCheckedContinuation { continuation in
            let waits = state.withLock { state in
                if state.isHoldingReadings { state.held.append(continuation) }
                return state.isHoldingReadings
            }
            if !waits { continuation.resume() }
        }
        return try state.withLock { state throws(IngestUnavailable) in
            guard state.isAvailable else { throw IngestUnavailable(retryAfterSeconds: 3) }
            state.asked.append((region, partition))
            return ShardStatuses(
                shards: state.statuses, serverTime: UnixTime(seconds: 1_774_445_280))
        }
    }
}
