package import CivilTime
package import Identifiers

/// HQ's result for one shard of a request.
package enum ShardOutcome: Hashable, Sendable {
    /// HQ wrote the buckets or, at an equal coverage, the other facts.
    case committed
    /// HQ is at this coverage or a later one: no effect.
    case `repeat`
    /// HQ is below `base`: no effect; send again from the watermark, at once.
    case behind
    /// HQ wrote nothing, and sending the same again will not help.
    case refused(RefusalReason)
}

/// Why HQ refused a shard. Each needs an operator, except `store`, which passes.
package enum RefusalReason: String, Hashable, Sendable, CaseIterable {
    /// The topology has no such log, or the log no such partition.
    case unknownLog = "unknown_log"
    /// A value or a sum is out of bounds.
    case overflow
    /// Buckets out of order or repeated.
    case unsorted
    /// Impossible offsets or minutes: coverage below base, a bucket that the fold's rules exclude,
    /// or more buckets than a shard holds.
    case malformed
    /// A lower fold version than the one HQ has for the shard.
    case foldVersionOlder = "fold_version_older"
    /// The same generations as HQ's with another digest: settings changed without a new generation.
    case foldVersionConflict = "fold_version_conflict"
    /// A higher fold version requires the whole shard (base 0).
    case foldVersionNeedsBaseZero = "fold_version_needs_base_zero"
    /// The record at the watermark differs from the one that HQ has.
    case fingerprint
    /// The store could not take it now; send again.
    case store
    /// The log has another number of partitions than at its first commit. A repeat would then reach
    /// a partition that has not seen the transfer's id. The log needs a new log id that `continues`
    /// it.
    case partitionCount = "partition_count"
}

package struct ShardReply: Hashable, Sendable {
    package var log: LogID
    package var partition: Int32
    package var outcome: ShardOutcome
    /// The coverage that HQ has committed for the shard; 0 if it has none.
    package var watermark: Int64
    /// The claims of HQ's state of the shard; nil if HQ has no such shard.
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

/// HQ's reply to a push.
package struct DeltaReply: Hashable, Sendable {
    package var shards: [ShardReply]
    /// HQ's current time, from which the node derives its own.
    package var serverTime: UnixTime
    /// Commands for the region, at most `Limits.commandsPerReply`.
    package var commands: [NodeCommand]

    package init(
        shards: [ShardReply], serverTime: UnixTime, commands: [NodeCommand] = []
    ) {
        self.shards = shards
        self.serverTime = serverTime
        self.commands = commands
    }
}

/// HQ's reply to a query for a region's shards.
package struct ShardStatuses: Hashable, Sendable {
    package var shards: [ShardStatus]
    /// As in `DeltaReply`.
    package var serverTime: UnixTime

    package init(shards: [ShardStatus], serverTime: UnixTime) {
        self.shards = shards
        self.serverTime = serverTime
    }
}

/// HQ's state of one shard. With values, it can seed a node without history.
package struct ShardStatus: Hashable, Sendable {
    package var log: LogID
    package var partition: Int32
    package var watermark: Int64
    package var claims: Claims
    package var foldVersion: FoldVersion
    /// The last record folded into the values.
    package var fingerprint: Fingerprint?
    /// The values at `watermark`, read with it in one atomic step; nil if not requested.
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
