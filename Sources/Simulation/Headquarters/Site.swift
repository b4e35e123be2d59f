/// One HQ of the topology: its store, and the state of its checks.
final class Site {
    let number: Int
    var store: StoreModel
    var isReachable = true
    /// By shard.
    var checks: [ShardCheck]
    /// Whether a failed script may have left sums that no process remembers to repair.
    var sumsAreDoubtful = false
    /// By how much a process of it ever took the present to be later than it was, in milliseconds.
    var lead: Int64 = 0
    /// When a process of it had a region filled again last, in the queue's time.
    var filledAgainAt: Int64?
    /// When the audit has come round since the last damage, in the queue's time.
    var auditedBy: Int64 = 0
    /// Minutes whose sums may be wrong because keys of theirs vanished.
    var lostMinutes: Set<Int32> = []
    /// By shard, the greatest watermark that was ever committed here.
    var highest: [Int64]

    init(number: Int, store: StoreModel, width: Int) {
        self.number = number
        self.store = store
        checks = Array(repeating: ShardCheck(width: width), count: store.texts.count)
        highest = Array(repeating: 0, count: store.texts.count)
    }
}
