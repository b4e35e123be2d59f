/// The name of a region or of a log: 1 to 32 bytes of `a`–`z`, `0`–`9` and `-`.
///
/// Names become parts of Redis keys and URLs, where these characters need no escapes.
package protocol Identifier: Hashable, Comparable, Sendable, CustomStringConvertible {
    var name: String { get }
    init(unchecked name: String)
}

extension Identifier {
    /// Nil if `name` has other characters or an invalid length.
    package init?(_ name: String) {
        let bytes = name.utf8
        guard (1...32).contains(bytes.count),
            bytes.allSatisfy({
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
            })
        else { return nil }
        self.init(unchecked: name)
    }

    package static func < (a: Self, b: Self) -> Bool { a.name < b.name }
    package var description: String { name }
}

/// A region of the topology.
package struct RegionID: Identifier {
    package let name: String
    package init(unchecked name: String) { self.name = name }
}

/// One incarnation of a topic with a fixed number of partitions.
package struct LogID: Identifier {
    package let name: String
    package init(unchecked name: String) { self.name = name }
}

/// A shard: one partition of one log of one region. The unit that is folded, pushed and merged.
package struct ShardID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var region: RegionID
    package var log: LogID
    /// 0 to `maximumPartitions` − 1.
    package var partition: Int32

    /// The most partitions of a log, so that no message can name an unlimited number of keys.
    package static let maximumPartitions: Int32 = 1_024

    package init(region: RegionID, log: LogID, partition: Int32) {
        self.region = region
        self.log = log
        self.partition = partition
    }

    package static func < (a: ShardID, b: ShardID) -> Bool {
        (a.region, a.log, a.partition) < (b.region, b.log, b.partition)
    }

    /// `region/log/partition`.
    package var description: String { "\(region)/\(log)/\(partition)" }
}

/// One partition of one log, where the region is known.
package struct LogPartition: Hashable, Comparable, Sendable {
    package var log: LogID
    package var partition: Int32

    package init(log: LogID, partition: Int32) {
        self.log = log
        self.partition = partition
    }

    package static func < (a: LogPartition, b: LogPartition) -> Bool {
        (a.log, a.partition) < (b.log, b.partition)
    }
}
