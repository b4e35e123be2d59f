import CivilTime

/// What is remembered about one shard between two checks of it.
struct ShardCheck {
    /// The second fold at the shard's watermark.
    var cursor: TruthCursor
    /// Where HQ stood at the last check; nil before the first.
    var completeFrom: Minute?
    /// Whether the next check must look at every bucket.
    var mustCompareAll = true
    var commits = 0
    /// A failed script may have left buckets of a coverage up to this one beside an older
    /// watermark: until a commit reaches it they are ahead of what the watermark says.
    var partialUntil: Int64 = 0
    /// The greatest that `partialUntil` was since the store was wiped: a failover may bring it
    /// back.
    var partialOnce: Int64 = 0
    /// Whether somebody has written into it what no log accounts for.
    var isSpoiled = false
    /// When that was last, in the queue's time.
    var spoiledAt: Int64 = 0
    /// Whether that was ever so since the store was wiped: a failover may bring it back.
    var wasSpoiled = false

    init(width: Int) { cursor = TruthCursor(width: width) }
}
