import CivilTime
import DeltaProtocol
package import Topology

/// Compares what HQ holds of a shard with the digest that its node sent for the same coverage, and
/// has the shard filled again where they differ: region and HQ then disagree about the same log,
/// so the store no longer holds the values that were written to it.
///
/// Audits run before the reply: until the node has our reply it sends nothing, so coverage cannot
/// move.
extension CommitRound {
    /// One request is held up by comparisons for no longer than about this, in milliseconds.
    private static let budgetMilliseconds: Int64 = 500

    /// The comparisons of one request.
    struct Audit: Sendable {
        var startedAt: UnixTime
        /// The claims to compare, the next last.
        var claims: [Claim]
    }

    /// A digest that can be compared.
    struct Claim: Sendable {
        var shard: ShardID
        /// The shard's place in the request.
        var place: Int
        var coverage: Int64
        var minutes: ClosedRange<Minute>
        var digest: ShardDigest
    }

    mutating func beginAudit(_ now: UnixTime, _ memory: inout CommitMemory) -> Action {
        audit = Audit(startedAt: now, claims: claims(now, memory.audit))
        return compareNext(now, &memory)
    }

    private mutating func compareNext(_ now: UnixTime, _ memory: inout CommitMemory) -> Action {
        guard let audit, let claim = audit.claims.last,
            now < audit.startedAt + Self.budgetMilliseconds
        else { return answer(now, &memory) }
        return .digest(claim.shard, claim.minutes)
    }

    mutating func digested(
        _ found: StoredDigest?, _ now: UnixTime, _ memory: inout CommitMemory
    ) -> Action {
        guard let claim = audit?.claims.last else { return compareNext(now, &memory) }
        // Another push may have come between, or HQ may know less than the node.
        guard let found, found.watermark == claim.coverage,
            found.completeFrom <= claim.minutes.lowerBound
        else { return dropClaim(now, &memory) }
        memory.audit.comparedAt[claim.shard] = now
        memory.audit.counters.compared += 1
        guard found.digest != claim.digest else { return dropClaim(now, &memory) }
        memory.audit.counters.differences += 1
        guard memory.audit.mayRefill(claim.shard, at: now) else { return dropClaim(now, &memory) }
        return .refill(claim.shard, claim.minutes)
    }

    /// The shard that is compared, and the coverage it is compared at.
    package var comparison: (shard: ShardID, coverage: Int64)? {
        audit?.claims.last.map { ($0.shard, $0.coverage) }
    }

    mutating func dropClaim(_ now: UnixTime, _ memory: inout CommitMemory) -> Action {
        _ = audit?.claims.popLast()
        return compareNext(now, &memory)
    }

    /// The shard is answered `behind`: its node sends it whole.
    mutating func refilled(_ now: UnixTime, _ memory: inout CommitMemory) -> Action {
        if let place = audit?.claims.last?.place {
            replies[place]?.outcome = .behind
            replies[place]?.watermark = 0
            replies[place]?.completeFrom = nil
        }
        return dropClaim(now, &memory)
    }

    /// The digests of committed shards whose turn it is, the longest unseen last.
    private func claims(_ now: UnixTime, _ memory: AuditMemory) -> [Claim] {
        guard let interval = settings.digestMilliseconds else { return [] }
        var claims: [Claim] = []
        for (place, delta) in request.shards.enumerated() {
            guard let sent = delta.digest, let reply = replies[place],
                reply.outcome == .committed, reply.watermark == delta.coverage
            else { continue }
            // Minutes that have expired here are missing by right.
            let retained = StoreRetention.minutes(
                now: now, observedThrough: [delta.observedThrough, request.sentAt])
            let expired = now.minute.advanced(by: 1 - Limits.retainedMinutes)
            let first = max(sent.minute, delta.completeFrom)
            guard sent.minute > expired, first <= retained.upperBound else { continue }
            let shard = ShardID(
                region: request.region, log: delta.log, partition: delta.partition)
            guard memory.isDue(shard, every: interval, at: now) else { continue }
            claims.append(
                Claim(
                    shard: shard, place: place, coverage: delta.coverage,
                    minutes: first...retained.upperBound, digest: sent.digest))
        }
        return claims.sorted {
            (memory.comparedAt[$0.shard]?.milliseconds ?? .min, $0.shard)
                > (memory.comparedAt[$1.shard]?.milliseconds ?? .min, $1.shard)
        }
    }
}
