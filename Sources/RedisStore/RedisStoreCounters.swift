import Synchronization

/// Counts of a store since its creation. Each only rises.
package struct RedisStoreCounters: Hashable, Sendable {
    /// Shards written, including those without a change of buckets.
    package var commits = 0
    /// Of `commits`, those that changed no bucket.
    package var touches = 0
    package var repeats = 0
    package var behind = 0
    package var refused = 0
    /// Buckets ignored because their minute is not retained.
    package var ignoredBuckets = 0
    /// Shards read again because another writer was faster.
    package var casRetries = 0
    /// Scripts that failed, or whose outcome is unknown, while writing.
    package var failedScripts = 0
    /// Minutes whose sums were compared with their shards after a failed script.
    package var repairs = 0
    /// Minutes compared without a cause, hourly and after a reconnect.
    package var verifiedMinutes = 0
    /// Keys of sums that a repair or verification corrected.
    package var repairedKeys = 0
    /// Watermarks dropped because keys had vanished or were damaged, or by an operator.
    package var droppedWatermarks = 0
    /// Hashes or values that were not written by an HQ.
    package var damagedValues = 0
    /// Connections made after the first.
    package var reconnects = 0
    /// Shards refused because their log's partition count differs from the store's.
    package var partitionRefusals = 0
    /// Topologies written by this HQ.
    package var topologiesWritten = 0
    /// How often Redis was found to allow eviction.
    package var evictionAlarms = 0
    package var commandsSent = 0
    /// Scripts loaded, including reloads after a restart of Redis.
    package var scriptLoads = 0

    package init() {}
}

/// The counters, shared by the store and its thread.
final class SharedCounters: Sendable {
    private let values = Mutex(RedisStoreCounters())

    func update(_ change: (inout RedisStoreCounters) -> Void) { values.withLock { change(&$0) } }

    var snapshot: RedisStoreCounters { values.withLock { $0 } }
}
