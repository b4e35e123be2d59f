package import CivilTime
package import DeltaProtocol
package import Identifiers

/// The state that an HQ process keeps between commit rounds.
package struct CommitMemory: Sendable {
    package var audit = AuditMemory()
    package var commands = CommandDesk()
    package var clock = HeadquartersClock()

    package init() {}
}

/// Problems of regions that commit rounds detect and published figures do not show.
package struct RegionFindings: Hashable, Sendable {
    /// Regions with a shard that differed from its node's digest twice.
    package var drifted: Set<RegionID>
    /// Regions whose clock differs from HQ's by more than `HeadquartersClock.skewMilliseconds`.
    package var skewed: Set<RegionID>

    package init(drifted: Set<RegionID> = [], skewed: Set<RegionID> = []) {
        self.drifted = drifted
        self.skewed = skewed
    }
}

extension CommitMemory {
    package func findings(at reading: HeadquartersClock.Reading) -> RegionFindings {
        RegionFindings(
            drifted: Set(audit.drifted(at: clock.present(at: reading)).map(\.region)),
            skewed: clock.skewed(at: reading))
    }
}

/// Results of comparing the store with regions' digests.
package struct AuditMemory: Sendable {
    /// A difference counts for this long, in milliseconds: a node sends each of its digests again
    /// within two minutes, but may send them to another HQ of the same store from then on.
    static let driftMilliseconds: Int64 = 300_000

    private struct Difference: Sendable {
        var times = 0
        var seenAt = UnixTime(milliseconds: .min)
    }

    package internal(set) var counters = CommitCounters()
    private var differing: [ShardID: [ClosedRange<Minute>: Difference]] = [:]

    mutating func note(
        _ shard: ShardID, _ minutes: ClosedRange<Minute>, isDifferent: Bool, at now: UnixTime
    ) {
        counters.compared += 1
        guard isDifferent else { return healed(shard, minutes) }
        counters.differences += 1
        var difference = differing[shard]?[minutes] ?? Difference()
        difference.times += 1
        difference.seenAt = now
        differing[shard, default: [:]][minutes] = difference
    }

    /// Records that the store now holds the node's values of these minutes.
    mutating func healed(_ shard: ShardID, _ minutes: ClosedRange<Minute>) {
        // Ranges of the same hour may begin at different minutes.
        let overlapping = differing[shard]?.keys.filter { $0.overlaps(minutes) } ?? []
        for range in overlapping { differing[shard]?[range] = nil }
    }

    /// The shards with a difference that was seen at least twice, the last time recently.
    package func drifted(at now: UnixTime) -> Set<ShardID> {
        Set(
            differing.filter { shard in
                shard.value.values.contains {
                    $0.times > 1 && now < $0.seenAt + Self.driftMilliseconds
                }
            }.keys)
    }
}

/// The digest of a shard's hashes, and the state that it belongs to.
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

/// What happened so far; each only rises.
package struct CommitCounters: Hashable, Sendable {
    package var compared = 0
    package var differences = 0
}
