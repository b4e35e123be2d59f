package import CivilTime
package import DeltaProtocol
package import Identifiers
package import Money

/// A write for one shard. HQ writes it in one step with the other shards of the request, and only
/// if the shard's two texts are still as expected.
package struct ShardCommit: Hashable, Sendable {
    package var shard: ShardID
    /// The watermark text that the decision is based on; nil if the field must be absent.
    package var expectedWatermark: String?
    /// The liveness text that the decision is based on; nil if the field must be absent.
    package var expectedLiveness: String?
    /// The new watermark text, written last; nil removes the field.
    package var watermark: String?
    /// The new liveness text; nil removes the field.
    package var liveness: String?
    /// The buckets that change, by minute, then currency code.
    package var changes: [BucketChange]
    /// The late money that changes, with its new absolute values, in the same order. A zero value
    /// removes the bucket.
    package var late: [Bucket]
    /// Missed money to add, by currency code; `minute` is the minute of arrival.
    package var missed: [Bucket]
    /// Buckets of the delta, late ones included, that HQ does not retain.
    package var ignoredBuckets: Int
    /// True if the shard accepts only a whole delta after its script failed midway.
    package var isFilling: Bool

    package init(
        shard: ShardID, expectedWatermark: String?, expectedLiveness: String?, watermark: String?,
        liveness: String?, changes: [BucketChange] = [], late: [Bucket] = [],
        missed: [Bucket] = [], ignoredBuckets: Int = 0, isFilling: Bool = false
    ) {
        self.shard = shard
        self.expectedWatermark = expectedWatermark
        self.expectedLiveness = expectedLiveness
        self.watermark = watermark
        self.liveness = liveness
        self.changes = changes
        self.late = late
        self.missed = missed
        self.ignoredBuckets = ignoredBuckets
        self.isFilling = isFilling
    }
}

/// One bucket's new absolute value, and its contribution to the sums over all shards.
package struct BucketChange: Hashable, Sendable {
    package var minute: Minute
    package var currency: Currency
    /// Zero removes the bucket.
    package var value: BucketValue
    /// New minus old of settled plus correction, in minor units.
    package var published: Int64
    /// New minus old of the count.
    package var transfers: Int64

    @inlinable
    package init(
        minute: Minute, currency: Currency, value: BucketValue, published: Int64, transfers: Int64
    ) {
        self.minute = minute
        self.currency = currency
        self.value = value
        self.published = published
        self.transfers = transfers
    }
}

/// HQ's answer to one shard of a request, and the write for it.
package struct ShardDecision: Hashable, Sendable {
    /// Valid once `commit`, if there is one, is written.
    package var reply: ShardReply
    /// Nil if there is nothing to write.
    package var commit: ShardCommit?

    package init(reply: ShardReply, commit: ShardCommit? = nil) {
        self.reply = reply
        self.commit = commit
    }
}
