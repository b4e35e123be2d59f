package import CivilTime
package import Topology

/// The buckets of one shard that changed at or after `base`, each with its new absolute value,
/// and the coverage they are true at.
package struct ShardDelta: Hashable, Sendable {
    package var log: LogID
    package var partition: Int32
    /// The offset from which changes are named; 0 means that the delta is the whole shard.
    package var base: Int64
    /// The offset up to which the shard has folded its partition, exclusive; `base` or more.
    package var coverage: Int64
    /// The first minute that the shard's state knows in full. No bucket before it is named.
    package var completeFrom: Minute
    /// The time up to which the shard has provably seen its partition; nil before the first proof.
    package var observedThrough: UnixTime?
    package var marker: LedgerMarker?
    /// The record at `coverage` − 1; nil where coverage is 0 or that offset holds no record.
    package var fingerprint: Fingerprint?
    /// A digest of all the shard's buckets from a minute on, at `coverage`; not in every delta.
    package var digest: DigestFrom?
    package var counters: ShardCounters
    /// By minute, then currency code; each (minute, currency) once.
    package var buckets: [Bucket]
    /// Late money, by log-time minute of arrival, in the same order.
    package var late: [Bucket]

    /// A digest and the first minute it covers.
    package struct DigestFrom: Hashable, Sendable {
        package var minute: Minute
        package var digest: ShardDigest

        package init(minute: Minute, digest: ShardDigest) {
            self.minute = minute
            self.digest = digest
        }
    }

    package init(
        log: LogID, partition: Int32, base: Int64, coverage: Int64, completeFrom: Minute,
        observedThrough: UnixTime? = nil, marker: LedgerMarker? = nil,
        fingerprint: Fingerprint? = nil, digest: DigestFrom? = nil,
        counters: ShardCounters = ShardCounters(), buckets: [Bucket] = [], late: [Bucket] = []
    ) {
        self.log = log
        self.partition = partition
        self.base = base
        self.coverage = coverage
        self.completeFrom = completeFrom
        self.observedThrough = observedThrough
        self.marker = marker
        self.fingerprint = fingerprint
        self.digest = digest
        self.counters = counters
        self.buckets = buckets
        self.late = late
    }
}

/// One push of a node: the deltas of as many of its shards as fit.
package struct DeltaRequest: Hashable, Sendable {
    package var version: UInt32
    package var foldVersion: FoldVersion
    package var region: RegionID
    /// Names the node in logs and status; carries no authority.
    package var node: String
    package var sentAt: UnixTime
    /// How many partitions each of the region's current logs has.
    package var partitionCounts: [LogID: Int32]
    package var shards: [ShardDelta]
    /// Outcomes of commands, at most `Limits.outcomesPerRequest`. Each is repeated until a reply
    /// shows that HQ received it.
    package var outcomes: [CommandOutcome]
    /// How many commands the node takes with one answer; 0 where it knows none.
    package var commandsTaken: Int

    package init(
        version: UInt32 = Limits.protocolVersion, foldVersion: FoldVersion, region: RegionID,
        node: String, sentAt: UnixTime, partitionCounts: [LogID: Int32], shards: [ShardDelta],
        outcomes: [CommandOutcome] = [], commandsTaken: Int = 0
    ) {
        self.version = version
        self.foldVersion = foldVersion
        self.region = region
        self.node = node
        self.sentAt = sentAt
        self.partitionCounts = partitionCounts
        self.shards = shards
        self.outcomes = outcomes
        self.commandsTaken = commandsTaken
    }
}
