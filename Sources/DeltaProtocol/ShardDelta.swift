package import CivilTime
package import Identifiers

/// The buckets of one shard that changed at or after `base`, each with its new absolute value,
/// and the coverage they are true at.
package struct ShardDelta: Hashable, Sendable {
    package var log: LogID
    package var partition: Int32
    /// The delta contains changes from this offset on; 0 means that it is the whole shard.
    package var base: Int64
    /// The offset up to which the shard has folded its partition, exclusive; `base` or more.
    package var coverage: Int64
    /// How far back the state reaches. Buckets before `claims.idsFrom` are seeded.
    package var claims: Claims
    /// The minutes in which every bucket that the delta omits is 0: with base 0, all from the later
    /// of `claims.idsFrom` and the node's floor on; in a healing, one digest range; else nil.
    package var replaced: ClosedRange<Minute>?
    /// HQ's watermark at which the buckets before `claims.idsFrom` were true. Only an HQ that has
    /// committed less takes them. 0 if the state was not seeded.
    package var seedWatermark: Int64
    /// The time up to which the shard has provably seen its partition; nil before the first proof.
    package var observedThrough: UnixTime?
    package var marker: LedgerMarker?
    /// The last record folded; nil before the first.
    package var fingerprint: Fingerprint?
    /// The last record below `base`, if the node knows it.
    package var baseFingerprint: Fingerprint?
    /// A digest of one range of minutes, at `coverage`; not in every delta.
    package var digest: RangeDigest?
    package var counters: ShardCounters
    /// By minute, then currency code; each (minute, currency) once.
    package var buckets: [Bucket]
    /// Late money in the same order: by the minute of its stamp, unproven money by its own minute.
    package var late: [Bucket]
    /// Money that records at `base` or later added to minutes that the node no longer holds, by
    /// currency code; `minute` is the first that the node holds. HQ adds it to its own sum, so it
    /// must be sent only once. Empty with base 0.
    package var missed: [Bucket]

    /// A digest of the buckets and late money of some minutes.
    package struct RangeDigest: Hashable, Sendable {
        package var minutes: ClosedRange<Minute>
        package var digest: ShardDigest

        package init(minutes: ClosedRange<Minute>, digest: ShardDigest) {
            self.minutes = minutes
            self.digest = digest
        }
    }

    /// - Parameter replaced: by default, with base 0 all minutes from ids-from on.
    package init(
        log: LogID, partition: Int32, base: Int64, coverage: Int64, claims: Claims,
        replaced: ClosedRange<Minute>? = nil, seedWatermark: Int64 = 0,
        observedThrough: UnixTime? = nil, marker: LedgerMarker? = nil,
        fingerprint: Fingerprint? = nil, baseFingerprint: Fingerprint? = nil,
        digest: RangeDigest? = nil, counters: ShardCounters = ShardCounters(),
        buckets: [Bucket] = [], late: [Bucket] = [], missed: [Bucket] = []
    ) {
        self.log = log
        self.partition = partition
        self.base = base
        self.coverage = coverage
        self.claims = claims
        self.replaced = replaced ?? (base == 0 ? claims.idsFrom...Minute(.max) : nil)
        self.seedWatermark = seedWatermark
        self.observedThrough = observedThrough
        self.marker = marker
        self.fingerprint = fingerprint
        self.baseFingerprint = baseFingerprint
        self.digest = digest
        self.counters = counters
        self.buckets = buckets
        self.late = late
        self.missed = missed
    }
}

/// One push of a node: the deltas of as many of its shards as fit.
package struct DeltaRequest: Hashable, Sendable {
    package var version: UInt32
    package var foldVersion: FoldVersion
    package var region: RegionID
    /// Identifies the node in logs and status; carries no authority.
    package var node: String
    /// The node's own clock. It limits how far HQ trusts its own.
    package var sentAt: UnixTime
    /// How many partitions each of the region's current logs has.
    package var partitionCounts: [LogID: Int32]
    package var shards: [ShardDelta]
    /// Outcomes of commands, at most `Limits.outcomesPerRequest`. Each is repeated until a reply
    /// shows that HQ received it.
    package var outcomes: [CommandOutcome]
    /// The number of commands that the node accepts per reply; 0 if it supports none.
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
