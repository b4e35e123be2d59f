package import CivilTime
package import DeltaProtocol

/// What HQ has of one shard, all of it read in one atomic step.
package struct ShardReading: Hashable, Sendable {
    /// The text of the shard's watermark field; nil where there is none.
    package var watermark: String?
    /// The text of the shard's liveness field; nil where there is none.
    package var liveness: String?
    /// The buckets that stand in the minutes asked for, in the order of `Bucket.precedes`.
    package var buckets: [Bucket]
    /// The late money that stands in the minutes asked for, in the same order.
    package var late: [Bucket]

    package init(
        watermark: String? = nil, liveness: String? = nil, buckets: [Bucket] = [],
        late: [Bucket] = []
    ) {
        self.watermark = watermark
        self.liveness = liveness
        self.buckets = buckets
        self.late = late
    }
}

/// The minutes whose buckets must be read before a delta can be decided; each in rising order.
package struct MinutesToRead: Hashable, Sendable {
    package var buckets: [Minute]
    package var late: [Minute]
    /// Every minute from this one on that the store lists is wanted too, its late money with it.
    package var beyond: Minute?

    package init(buckets: [Minute], late: [Minute], beyond: Minute? = nil) {
        self.buckets = buckets
        self.late = late
        self.beyond = beyond
    }
}
