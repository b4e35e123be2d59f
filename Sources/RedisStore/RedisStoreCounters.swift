import Synchronization

/// What a store has done since it was made. Each only rises.
package struct RedisStoreCounters: Hashable, Sendable {
    /// Shards written, those without a change of buckets included.
    package var commits = 0
    /// Of `commits`, those that changed no bucket.
    package var touches = 0
    package var repeats = 0
    package var behind = 0
    package var refused = 0
    /// Buckets that were not taken because their minute is not retained.
    package var ignoredBuckets = 0
    /// Shards read again because another writer had been faster.
    package var casRetries = 0
    /// Scripts that failed, or whose outcome is unknown, while they wrote.
    package var failedScripts = 0
    /// Minutes whose sums were compared with their shards after a failed script.
    package var repairs = 0
    /// Minutes compared without a cause, hourly and after a reconnect.
    package var verifiedMinutes = 0
    /// Keys of sums that were set anew, by a repair or a verification.
    package var repairedKeys = 0
    /// Watermarks taken out because keys had vanished, were damaged, or by hand.
    package var droppedWatermarks = 0
    /// Hashes or values that no HQ has written.
    package var damagedValues = 0
    /// Connections made after the first.
    package var reconnects = 0
    /// Shards refused because their log has another number of partitions than the store holds.
    package var partitionRefusals = 0
    /// Topologies that this HQ has written.
    package var topologiesWritten = 0
    /// How often Redis was found set to remove keys by itself.
    package var evictionAlarms = 0
    package var commandsSent = 0
    /// Scripts loaded, anew after a restart of Redis included.
    package var scriptLoads = 0

    package init() {}
}

/// The counters, shared by the store and its thread.
final class SharedCounters: Sendable {
    private let values = Mutex(RedisStoreCounters())

    func update(_ change: (inout RedisStoreCounters) -> Void) { values.withLock { change(&$0) } }

    var snapshot: RedisStoreCounters { values.withLock { $0 } }
}
