/// One HQ of the topology: its store, and the state of its checks.
final class Site {
    let number: Int
    var store: StoreModel
    var isReachable = true
    /// By shard.
    var checks: [ShardCheck]
    /// True if a failed script may have left sums that no process remembers to repair.
    var sumsAreDoubtful = false
    /// How far any of its processes ever assumed the present ahead of the true time, in
    /// milliseconds.
    var lead: Int64 = 0
    /// When one of its processes last requested a refill of a region, in the queue's time.
    var filledAgainAt: Int64?
    /// When the audit will have completed a cycle since the last damage, in the queue's time.
    var auditedBy: Int64 = 0
    /// Minutes whose sums may be wrong because some of their keys vanished.
    var lostMinutes: Set<Int32> = []
    /// By shard, the greatest watermark ever committed at this site.
    var highest: [Int64]

    init(number: Int, store: StoreModel, width: Int) {
        self.number = number
        self.store = store
        checks = Array(repeating: ShardCheck(width: width), count: store.texts.count)
        highest = Array(repeating: 0, count: store.texts.count)
    }
}
