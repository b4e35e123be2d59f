package import CivilTime
package import DeltaProtocol

/// HQ's state of one shard, read in one atomic step.
package struct ShardReading: Hashable, Sendable {
    /// The text of the shard's watermark field; nil if there is none.
    package var watermark: String?
    /// The text of the shard's liveness field; nil if there is none.
    package var liveness: String?
    /// The stored buckets of the requested minutes, in the order of `Bucket.precedes`.
    package var buckets: [Bucket]
    /// The stored late money of the requested minutes, in the same order.
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

/// The minutes whose buckets must be read before a delta can be decided, each list in rising order.
package struct MinutesToRead: Hashable, Sendable {
    package var buckets: [Minute]
    package var late: [Minute]
    /// If set, also read every listed minute from this one on, including its late money.
    package var beyond: Minute?

    package init(buckets: [Minute], late: [Minute], beyond: Minute? = nil) {
        self.buckets = buckets
        self.late = late
        self.beyond = beyond
    }
}
