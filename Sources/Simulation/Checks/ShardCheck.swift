import DeltaProtocol

/// What is remembered about one shard between two checks of it.
struct ShardCheck {
    /// The second fold at the shard's watermark.
    var cursor: TruthCursor
    /// What HQ claimed at the last check; nil before the first.
    var claims: Claims?
    /// Whether the next check must look at every bucket.
    var mustCompareAll = true
    var commits = 0
    /// A failed script may have left buckets of a coverage up to this one beside an older
    /// watermark: until a commit reaches it they are ahead of what the watermark says.
    var partialUntil: Int64 = 0
    /// The greatest that `partialUntil` was since the store was wiped: a failover may bring it
    /// back.
    var partialOnce: Int64 = 0
    /// The log's end when an empty store received the shard.
    var filledAt: Int64 = 0
    /// Places with values that were written behind HQ's back.
    var spoiled: [ShardTruth.Place] = []
    /// The same since the store was wiped: a failover may bring such values back.
    var spoiledOnce: [ShardTruth.Place] = []

    init(width: Int) { cursor = TruthCursor(width: width) }
}
