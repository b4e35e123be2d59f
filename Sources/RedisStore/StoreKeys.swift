import CivilTime
import Federation
import Identifiers

/// The names of the store's keys.
enum StoreKeys {
    static let changes = "changes"
    static let topology = "topology"

    static func watermarks(_ region: RegionID) -> String { "watermark:\(region)" }

    static func liveness(_ region: RegionID) -> String { "liveness:\(region)" }

    /// A shard's field in both hashes above. `liveness` has one more for each log, under the log's
    /// bare name: how many partitions it has, without which none of them could be missed.
    static func field(_ log: LogID, _ partition: Int32) -> String { "\(log)/\(partition)" }

    /// What the minute follows in the key of a shard's buckets.
    static func buckets(_ region: RegionID, _ log: LogID, _ partition: Int32) -> String {
        "shard:\(region):\(log):\(partition):"
    }

    /// What the minute follows in the key of a shard's late money.
    static func late(_ region: RegionID, _ log: LogID, _ partition: Int32) -> String {
        "late:\(region):\(log):\(partition):"
    }

    /// The key prefix of a region's missed money, to which the minute of arrival is appended.
    static func missed(_ region: RegionID) -> String { "missed:\(region):" }

    /// The key of a shard's buckets, from the shard's field.
    static func buckets(_ region: RegionID, field: String, minute: Minute) -> String {
        let name = field.split(separator: "/").joined(separator: ":")
        return "shard:\(region):\(name):\(minute.number)"
    }

    /// The shard of a field; nil where the field is of another form.
    static func shard(_ region: RegionID, field: String) -> ShardID? {
        let parts = field.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let log = LogID(String(parts[0])),
            let partition = Int32(parts[1]), (0..<ShardID.maximumPartitions).contains(partition)
        else { return nil }
        return ShardID(region: region, log: log, partition: partition)
    }
}
