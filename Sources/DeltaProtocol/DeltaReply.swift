package import CivilTime
package import Topology

/// What HQ did with one shard of a request.
package enum ShardOutcome: Hashable, Sendable {
    /// The buckets, or at an equal coverage the facts beside them, are written.
    case committed
    /// HQ stands at this coverage or a later one: no effect.
    case `repeat`
    /// HQ stands before `base`: no effect; send again from the watermark, at once.
    case behind
    /// Nothing is written and sending the same again will not help.
    case refused(RefusalReason)
}

/// Why a shard was refused. Each is an operator's matter, except `store`, which passes.
package enum RefusalReason: String, Hashable, Sendable, CaseIterable {
    /// The topology has no such log, or the partition is outside it.
    case unknownLog = "unknown_log"
    /// A value or a sum leaves the bounds.
    case overflow
    /// Buckets out of order or named twice.
    case unsorted
    /// Offsets or minutes that no shard can have: coverage below base, a bucket that
    /// none of its rules allows, more buckets than a shard holds.
    case malformed
    /// A lower fold version than the one HQ has for the shard.
    case foldVersionOlder = "fold_version_older"
    /// The same generations as HQ's with another digest: settings changed without a new generation.
    case foldVersionConflict = "fold_version_conflict"
    /// A higher fold version must bring the whole shard (base 0).
    case foldVersionNeedsBaseZero = "fold_version_needs_base_zero"
    /// The record at the watermark is not the one HQ remembers.
    case fingerprint
    /// The store did not take it now; send again.
    case store
    /// The log has another number of partitions than when it was first committed: with more, one
    /// transfer's repeat meets another partition's memory. It needs a new log id that `continues`.
    case partitionCount = "partition_count"
}

package struct ShardReply: Hashable, Sendable {
    package var log: LogID
    package var partition: Int32
    package var outcome: ShardOutcome
    /// The coverage HQ has committed for the shard; 0 where it has none.
    package var watermark: Int64
    /// What HQ's state of the shard says of itself; nil where it has no such shard.
    package var claims: Claims?
    /// The last record below `watermark`, as nodes reported it.
    package var fingerprint: Fingerprint?
    /// Minutes to send whole: HQ's values there do not match the node's digest at the same
    /// coverage.
    package var heal: ClosedRange<Minute>?

    package init(
        log: LogID, partition: Int32, outcome: ShardOutcome, watermark: Int64,
        claims: Claims?, fingerprint: Fingerprint? = nil, heal: ClosedRange<Minute>? = nil
    ) {
        self.log = log
        self.partition = partition
        self.outcome = outcome
        self.watermark = watermark
        self.claims = claims
        self.fingerprint = fingerprint
        self.heal = heal
    }
}

/// What HQ answers to a push.
package struct DeltaReply: Hashable, Sendable {
    package var shards: [ShardReply]
    /// HQ's present: the node counts its own from it.
    package var serverTime: UnixTime
    /// What HQ wants of the region, at most `Limits.commandsPerReply`.
    package var commands: [RegionCommand]

    package init(
        shards: [ShardReply], serverTime: UnixTime, commands: [RegionCommand] = []
    ) {
        self.shards = shards
        self.serverTime = serverTime
        self.commands = commands
    }
}

/// What HQ answers to a question for a region's shards.
package struct ShardStatuses: Hashable, Sendable {
    package var shards: [ShardStatus]
    /// As in `DeltaReply`.
    package var serverTime: UnixTime

    package init(shards: [ShardStatus], serverTime: UnixTime) {
        self.shards = shards
        self.serverTime = serverTime
    }
}

/// What HQ stands at for one shard; with values, what a node without history is seeded from.
package struct ShardStatus: Hashable, Sendable {
    package var log: LogID
    package var partition: Int32
    package var watermark: Int64
    package var claims: Claims
    package var foldVersion: FoldVersion
    /// The last record folded into the values.
    package var fingerprint: Fingerprint?
    /// The values at `watermark`, read with it in one atomic step; nil where not asked for.
    package var values: Values?

    /// A shard's buckets and late money, sorted as in a delta.
    package struct Values: Hashable, Sendable {
        package var buckets: [Bucket]
        package var late: [Bucket]

        package init(buckets: [Bucket], late: [Bucket]) {
            self.buckets = buckets
            self.late = late
        }
    }

    package init(
        log: LogID, partition: Int32, watermark: Int64, claims: Claims,
        foldVersion: FoldVersion, fingerprint: Fingerprint?, values: Values? = nil
    ) {
        self.log = log
        self.partition = partition
        self.watermark = watermark
        self.claims = claims
        self.foldVersion = foldVersion
        self.fingerprint = fingerprint
        self.values = values
    }
}
