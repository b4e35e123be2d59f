import CivilTime
package import DeltaProtocol
package import Topology

/// What an HQ process remembers between commit rounds.
package struct CommitMemory: Sendable {
    package var audit = AuditMemory()
    package var commands = CommandDesk()
    package var clock = HeadquartersClock()

    package init() {}
}

/// What was compared with regions' digests, and what differed.
package struct AuditMemory: Sendable {
    /// What happened so far; each only rises.
    package struct Counters: Hashable, Sendable {
        package var compared = 0
        package var differences = 0
    }

    package internal(set) var counters = Counters()
    /// By shard, the ranges that differ and how often each was seen to.
    private var differing: [ShardID: [ClosedRange<Minute>: Int]] = [:]

    mutating func note(_ shard: ShardID, _ minutes: ClosedRange<Minute>, isDifferent: Bool) {
        counters.compared += 1
        guard isDifferent else {
            // What overlaps is of an hour that was cut at another minute.
            let overlapping = differing[shard]?.keys.filter { $0.overlaps(minutes) } ?? []
            for range in overlapping { differing[shard]?[range] = nil }
            return
        }
        counters.differences += 1
        differing[shard, default: [:]][minutes, default: 0] += 1
    }

    /// The shards with a difference that was seen twice.
    package var drifted: Set<ShardID> {
        Set(differing.filter { $0.value.values.contains { $0 > 1 } }.keys)
    }
}

/// What the hashes of a shard add up to, and what they are true at.
package struct StoredDigest: Hashable, Sendable {
    package var watermark: Int64
    package var claims: Claims
    package var digest: ShardDigest

    package init(watermark: Int64, claims: Claims, digest: ShardDigest) {
        self.watermark = watermark
        self.claims = claims
        self.digest = digest
    }
}
