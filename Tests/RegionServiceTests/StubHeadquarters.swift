import CivilTime
import DeltaIngest
import DeltaProtocol
import Foundation
import Identifiers
import Money
import Synchronization

/// An HQ that follows the protocol's rules as far as these tests need, and can be told to refuse
/// everything or to lose its state.
final class StubHeadquarters: DeltaHandler {
    struct Place: Hashable {
        var minute: Minute
        var currency: Currency
    }

    struct Shard {
        var watermark: Int64
        var fingerprint: Fingerprint?
        var claims = Claims.all
        var counters = ShardCounters()
        var buckets: [Place: BucketValue] = [:]
        var late: [Place: BucketValue] = [:]
    }

    private struct State {
        var shards: [Int32: Shard] = [:]
        var deltas: [ShardDelta] = []
        var isCommitting = true
        var commands: [NodeCommand] = []
        var outcomes: [CommandOutcome] = []
        var refusedRequests = 0
        var behindAnswers = 0
    }

    private let state = Mutex(State())

    /// All deltas answered, in order.
    var deltas: [ShardDelta] { state.withLock { $0.deltas } }
    /// All received command outcomes, in order.
    var outcomes: [CommandOutcome] { state.withLock { $0.outcomes } }

    /// Offers these commands with every answer.
    func offer(_ commands: [NodeCommand]) { state.withLock { $0.commands = commands } }

    /// Requests answered with 503.
    var refusedRequests: Int { state.withLock { $0.refusedRequests } }
    /// Deltas answered `behind`.
    var behindAnswers: Int { state.withLock { $0.behindAnswers } }

    func shard(_ partition: Int32) -> Shard? { state.withLock { $0.shards[partition] } }

    func watermark(_ partition: Int32) -> Int64 { shard(partition)?.watermark ?? 0 }

    /// Accepts commits, or answers them with 503.
    func setCommitting(_ isCommitting: Bool) {
        state.withLock { $0.isCommitting = isCommitting }
    }

    /// Claims to have committed a shard up to `watermark`.
    func claim(_ partition: Int32, watermark: Int64, fingerprint: Fingerprint? = nil) {
        state.withLock {
            $0.shards[partition] = Shard(watermark: watermark, fingerprint: fingerprint)
        }
    }

    /// Loses its whole state, like a wiped store.
    func forget() {
        state.withLock { $0.shards = [:] }
    }

    func commit(_ request: DeltaRequest) async throws(IngestUnavailable) -> DeltaReply {
        try state.withLock { state throws(IngestUnavailable) in
            guard state.isCommitting else {
                state.refusedRequests += 1
                throw IngestUnavailable(retryAfterSeconds: 0)
            }
            state.outcomes += request.outcomes
            return DeltaReply(
                shards: request.shards.map { Self.answer($0, &state) }, serverTime: Self.now(),
                commands: state.commands)
        }
    }

    private static func now() -> UnixTime {
        UnixTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    }

    private static func answer(_ delta: ShardDelta, _ state: inout State) -> ShardReply {
        state.deltas.append(delta)
        var shard = state.shards[delta.partition] ?? Shard(watermark: 0)
        let outcome: ShardOutcome
        if delta.coverage < shard.watermark {
            outcome = .repeat
        } else if delta.base > shard.watermark {
            outcome = .behind
            state.behindAnswers += 1
        } else {
            outcome = .committed
            if delta.base == 0 { (shard.buckets, shard.late) = ([:], [:]) }
            for bucket in delta.buckets { shard.buckets[Place(bucket)] = bucket.value }
            for bucket in delta.late { shard.late[Place(bucket)] = bucket.value }
            shard.watermark = delta.coverage
            shard.claims = delta.claims
            shard.fingerprint = delta.fingerprint ?? shard.fingerprint
            shard.counters = delta.counters
            state.shards[delta.partition] = shard
        }
        return ShardReply(
            log: delta.log, partition: delta.partition, outcome: outcome,
            watermark: shard.watermark,
            claims: state.shards[delta.partition]?.claims,
            fingerprint: state.shards[delta.partition]?.fingerprint)
    }

    func statuses(
        region: RegionID, partition: Int32?
    ) async throws(IngestUnavailable) -> ShardStatuses {
        state.withLock { state in
            let shards = state.shards.sorted { $0.key < $1.key }.map { number, shard in
                ShardStatus(
                    log: RegionFixture.log, partition: number, watermark: shard.watermark,
                    claims: shard.claims,
                    foldVersion: FoldVersion(rules: 1, settings: 1, digest: 0),
                    fingerprint: shard.fingerprint)
            }
            return ShardStatuses(shards: shards, serverTime: Self.now())
        }
    }
}

extension StubHeadquarters.Place {
    init(_ bucket: Bucket) {
        self.init(minute: bucket.minute, currency: bucket.currency)
    }
}
