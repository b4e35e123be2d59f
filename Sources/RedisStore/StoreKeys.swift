import CivilTime
import Federation
import Identifiers

/// The names of the store's keys.
enum StoreKeys {
    static let changes = "changes"
    static let topology = "topology"

    static func watermarks(_ region: RegionID) -> String { "watermark:\(region)" }

    static func liveness(_ region: RegionID) -> String { "liveness:\(region)" }

    /// A shard's field in both hashes above. `liveness` also has a field per log, named like the
    /// log, with its partition count, without which a missing partition could not be noticed.
    static func field(_ log: LogID, _ partition: Int32) -> String { "\(log)/\(partition)" }

    /// The key prefix of a shard's buckets, to which the minute is appended.
    static func buckets(_ region: RegionID, _ log: LogID, _ partition: Int32) -> String {
        "shard:\(region):\(log):\(partition):"
    }

    /// The key prefix of a shard's late money, to which the minute is appended.
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

    /// The shard of a field; nil if the field is malformed.
    static func shard(_ region: RegionID, field: String) -> ShardID? {
        let parts = field.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let log = LogID(String(parts[0])),
            let partition = Int32(parts[1]), (0..<ShardID.maximumPartitions).contains(partition)
        else { return nil }
        return ShardID(region: region, log: log, partition: partition)
    }
}
