import CivilTime
import DeltaProtocol
import Federation
import Logging
import RedisStore
import Synchronization
import Topology

/// Compares what HQ holds of a shard with the digest that its node sent for the same coverage, and
/// has the shard filled anew where they differ: region and HQ then disagree about the same log, so
/// what stands in Redis is not what was written there.
final class DigestAudit: Sendable {
    /// One request is held up by comparisons for no longer than about this.
    private static let budget: Duration = .milliseconds(500)
    /// A shard that differs again sooner is named, but not filled anew each time.
    private static let refillPause: Duration = .seconds(300)

    /// What happened so far; each only rises.
    struct Counters: Hashable {
        var compared = 0
        var differences = 0
        var refills = 0
    }

    private struct State {
        var comparedAt: [ShardID: UnixTime] = [:]
        var refilledAt: [ShardID: UnixTime] = [:]
        var counters = Counters()
    }

    private let store: RedisStore
    private let interval: Duration
    private let logger: Logger
    private let state = Mutex(State())

    init(store: RedisStore, interval: Duration, logger: Logger) {
        self.store = store
        self.interval = interval
        self.logger = logger
    }

    var counters: Counters { state.withLock { $0.counters } }

    /// Compares the shards of a committed request whose turn it is, the longest unseen first.
    /// Answers the reply, in which a shard that has to be sent whole is `behind`.
    func check(_ request: DeltaRequest, _ reply: DeltaReply, now: UnixTime) async -> DeltaReply {
        var reply = reply
        let deadline = ContinuousClock.now + Self.budget
        for claim in due(request, reply, now: now) {
            guard ContinuousClock.now < deadline else { break }
            do {
                guard try await differs(claim, now: now) else { continue }
                guard try await refill(claim, now: now) else { continue }
                reply.shards[claim.place].outcome = .behind
                reply.shards[claim.place].watermark = 0
                reply.shards[claim.place].completeFrom = nil
            } catch {
                // The commit stands; the next digest is compared instead.
                logger.debug(
                    "digest not compared",
                    metadata: ["shard": "\(claim.shard)", "error": "\(error)"])
            }
        }
        return reply
    }

    /// A digest that can be compared.
    private struct Claim {
        var shard: ShardID
        /// The shard's place in the reply.
        var place: Int
        var coverage: Int64
        var minutes: ClosedRange<Minute>
        var digest: ShardDigest
    }

    private func due(_ request: DeltaRequest, _ reply: DeltaReply, now: UnixTime) -> [Claim] {
        var claims: [Claim] = []
        for (place, answer) in reply.shards.enumerated() where answer.outcome == .committed {
            guard
                let delta = request.shards.first(where: {
                    $0.log == answer.log && $0.partition == answer.partition
                }), answer.watermark == delta.coverage, let sent = delta.digest
            else { continue }
            // Minutes that have expired here are missing by right.
            let retained = StoreRetention.minutes(
                now: now, observedThrough: [delta.observedThrough, request.sentAt])
            let expired = now.minute.advanced(by: 1 - Limits.retainedMinutes)
            let first = max(sent.minute, delta.completeFrom)
            guard sent.minute > expired, first <= retained.upperBound else { continue }
            claims.append(
                Claim(
                    shard: ShardID(
                        region: request.region, log: delta.log, partition: delta.partition),
                    place: place, coverage: delta.coverage,
                    minutes: first...retained.upperBound, digest: sent.digest))
        }
        return state.withLock { state in
            let seen = state.comparedAt
            return claims.filter { claim in
                guard let last = seen[claim.shard] else { return true }
                return now >= last + interval.milliseconds || now < last
            }.sorted {
                (seen[$0.shard]?.milliseconds ?? .min, $0.shard)
                    < (seen[$1.shard]?.milliseconds ?? .min, $1.shard)
            }
        }
    }

    private func differs(_ claim: Claim, now: UnixTime) async throws -> Bool {
        let stored = try await store.digest(of: claim.shard, minutes: claim.minutes)
        // Another push may have come between, or HQ may know less than the node.
        guard let stored, stored.watermark == claim.coverage,
            stored.completeFrom <= claim.minutes.lowerBound
        else { return false }
        let differs = stored.digest != claim.digest
        state.withLock { state in
            state.comparedAt[claim.shard] = now
            state.counters.compared += 1
            if differs { state.counters.differences += 1 }
        }
        if differs {
            logger.error(
                "shard differs from its region at the same coverage",
                metadata: ["shard": "\(claim.shard)", "coverage": "\(claim.coverage)"])
        }
        return differs
    }

    /// Has the shard sent whole, unless that was done a moment ago.
    private func refill(_ claim: Claim, now: UnixTime) async throws -> Bool {
        let isDue = state.withLock { state in
            if let last = state.refilledAt[claim.shard], now >= last,
                now < last + Self.refillPause.milliseconds
            {
                return false
            }
            state.refilledAt[claim.shard] = now
            state.counters.refills += 1
            return true
        }
        guard isDue else { return false }
        let done = try await store.refill(claim.shard, minutes: claim.minutes)
        logger.notice(
            "shard is filled anew",
            metadata: [
                "shard": "\(claim.shard)", "compared_minutes": "\(done.verifiedMinutes)",
                "repaired_keys": "\(done.repairedKeys)",
            ])
        return true
    }
}
