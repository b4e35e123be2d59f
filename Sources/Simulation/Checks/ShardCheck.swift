import DeltaProtocol

/// The state of one shard's checks.
struct ShardCheck {
    /// The second fold at the shard's watermark.
    var cursor: TruthCursor
    /// HQ's claims at the last check; nil before the first.
    var claims: Claims?
    /// True if the next check must compare every bucket.
    var mustCompareAll = true
    var commits = 0
    /// A failed script may have left buckets of a coverage up to this one with an older watermark.
    /// Until a commit reaches this coverage, the buckets are ahead of the watermark.
    var partialUntil: Int64 = 0
    /// The greatest value of `partialUntil` since the store was wiped: a failover may restore it.
    var partialOnce: Int64 = 0
    /// The log's end when an empty store received the shard.
    var filledAt: Int64 = 0
    /// Places with values that were written behind HQ's back.
    var spoiled: [ShardTruth.Place] = []
    /// The same since the store was wiped: a failover may restore such values.
    var spoiledOnce: [ShardTruth.Place] = []

    init(width: Int) { cursor = TruthCursor(width: width) }
}
