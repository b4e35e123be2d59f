import CivilTime
import DeltaProtocol
package import Identifiers

/// Compares HQ's buckets of a shard with the digest that its node sent for the same coverage, in
/// minutes that both know in full. If they differ, the store does not hold the values that were
/// written to it, and the node must send those minutes whole.
///
/// Audits run before the reply: until the node has our reply it sends nothing, so coverage cannot
/// move.
extension CommitRound {
    /// Comparisons delay one request by at most about this, in milliseconds.
    private static let budgetMilliseconds: Int64 = 500

    /// Maximum number of minutes that one digest covers.
    private static let minutesPerDigestMax = 60

    /// The comparisons of one request.
    struct Audit: Sendable {
        var startedAt: UnixTime
        /// The claims to compare, the next last.
        var claims: [Claim]
    }

    /// A digest that HQ can compare.
    struct Claim: Sendable {
        var shard: ShardID
        /// The shard's index in the request.
        var place: Int
        var coverage: Int64
        var minutes: ClosedRange<Minute>
        var digest: ShardDigest
    }

    mutating func beginAudit(_ now: UnixTime, _ memory: inout CommitMemory) -> Action {
        // If time runs out, others come first the next time.
        let claims = claims(now)
        let turn = claims.isEmpty ? 0 : memory.audit.counters.compared % claims.count
        audit = Audit(startedAt: now, claims: Array(claims[turn...] + claims[..<turn]))
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
        // Another push may have intervened, or HQ may know less than the node.
        guard let found, found.watermark == claim.coverage, found.claims.know(claim.minutes) else {
            return dropClaim(now, &memory)
        }
        let isDifferent = found.digest != claim.digest
        memory.audit.note(claim.shard, claim.minutes, isDifferent: isDifferent, at: now)
        if isDifferent { replies[claim.place]?.heal = claim.minutes }
        return dropClaim(now, &memory)
    }

    /// The shard being compared, and the coverage to compare at.
    package var comparison: (shard: ShardID, coverage: Int64)? {
        audit?.claims.last.map { ($0.shard, $0.coverage) }
    }

    mutating func dropClaim(_ now: UnixTime, _ memory: inout CommitMemory) -> Action {
        _ = audit?.claims.popLast()
        return compareNext(now, &memory)
    }

    /// The digests of committed shards.
    private func claims(_ now: UnixTime) -> [Claim] {
        guard settings.comparesDigests else { return [] }
        var claims: [Claim] = []
        for (place, delta) in request.shards.enumerated() {
            guard let sent = delta.digest, let reply = replies[place],
                reply.outcome == .committed, reply.watermark == delta.coverage
            else { continue }
            // Expired minutes are gone on purpose, and minutes more than a day ahead cannot be
            // listed.
            let first = StoreRetention.first(now: now)
            let length = sent.minutes.lowerBound.distance(to: sent.minutes.upperBound) + 1
            guard sent.minutes.lowerBound > first, delta.claims.know(sent.minutes),
                length <= Self.minutesPerDigestMax
            else {
                continue
            }
            let shard = ShardID(
                region: request.region, log: delta.log, partition: delta.partition)
            claims.append(
                Claim(
                    shard: shard, place: place, coverage: delta.coverage,
                    minutes: sent.minutes, digest: sent.digest))
        }
        return claims.reversed()
    }
}
