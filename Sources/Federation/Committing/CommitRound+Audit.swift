import CivilTime
import DeltaProtocol
package import Identifiers

/// Compares what HQ holds of a shard with the digest that its node sent for the same coverage, in
/// minutes that both know in full, and has the node send those minutes whole where they differ: the
/// store then does not hold the values that were written to it.
///
/// Audits run before the reply: until the node has our reply it sends nothing, so coverage cannot
/// move.
extension CommitRound {
    /// One request is held up by comparisons for no longer than about this, in milliseconds.
    private static let budgetMilliseconds: Int64 = 500

    /// Minutes that one digest may cover.
    private static let minutesPerDigestMax = 60

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
        // Where time runs out, others come first the next time.
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
        // Another push may have come between, or HQ may know less than the node.
        guard let found, found.watermark == claim.coverage, found.claims.know(claim.minutes) else {
            return dropClaim(now, &memory)
        }
        let isDifferent = found.digest != claim.digest
        memory.audit.note(claim.shard, claim.minutes, isDifferent: isDifferent, at: now)
        if isDifferent { replies[claim.place]?.heal = claim.minutes }
        return dropClaim(now, &memory)
    }

    /// The shard that is compared, and the coverage it is compared at.
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
