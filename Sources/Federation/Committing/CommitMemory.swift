package import CivilTime
package import DeltaProtocol
import Topology

/// What an HQ process remembers between commit rounds.
package struct CommitMemory: Sendable {
    package var audit = AuditMemory()
    package var commands = CommandDesk()

    package init() {}
}

/// When shards were compared and filled again.
package struct AuditMemory: Sendable {
    /// A shard that differs again sooner is named, but not filled again each time.
    package static let refillPauseMilliseconds: Int64 = 300_000

    /// What happened so far; each only rises.
    package struct Counters: Hashable, Sendable {
        package var compared = 0
        package var differences = 0
        package var refills = 0
    }

    package internal(set) var counters = Counters()
    var comparedAt: [ShardID: UnixTime] = [:]
    var refilledAt: [ShardID: UnixTime] = [:]

    /// Whether the shard may be compared again; an interval over which the clock jumped is over.
    func isDue(_ shard: ShardID, every milliseconds: Int64, at now: UnixTime) -> Bool {
        guard let last = comparedAt[shard] else { return true }
        return now >= last + milliseconds || now < last
    }

    mutating func mayRefill(_ shard: ShardID, at now: UnixTime) -> Bool {
        if let last = refilledAt[shard], now >= last,
            now < last + Self.refillPauseMilliseconds
        {
            return false
        }
        refilledAt[shard] = now
        counters.refills += 1
        return true
    }
}

/// What the hashes of a shard add up to, and what they are true at.
package struct StoredDigest: Hashable, Sendable {
    package var watermark: Int64
    package var completeFrom: Minute
    package var digest: ShardDigest

    package init(watermark: Int64, completeFrom: Minute, digest: ShardDigest) {
        self.watermark = watermark
        self.completeFrom = completeFrom
        self.digest = digest
    }
}
