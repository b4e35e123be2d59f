import Federation
import Identifiers
import Synchronization

/// The store's topology as last read on its thread, shared with code that prepares requests.
final class SharedTopology: Sendable {
    private let stored = Mutex<StoredTopology?>(nil)

    func take(_ topology: StoredTopology?) { stored.withLock { $0 = topology } }

    /// The partition counts of the region's logs that were ever committed.
    func partitions(of region: RegionID) -> [LogID: Int32] {
        stored.withLock { stored in
            var counts: [LogID: Int32] = [:]
            for (name, count) in stored?.partitions ?? [:] where name.region == region {
                counts[name.log] = count
            }
            return counts
        }
    }
}
