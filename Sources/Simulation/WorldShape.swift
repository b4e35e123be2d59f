import DeltaProtocol
import Identifiers

/// The regions, logs and shards of a world, densely numbered.
struct WorldShape {
    struct Log {
        var region: Int
        var id: LogID
        var partitions: Int32
        /// The numbers of its shards, by partition; one more if a partition is added.
        var shards: Range<Int>
    }

    struct Shard {
        var id: ShardID
        var region: Int
        var log: Int
        /// Its number within the region.
        var local: Int
        /// True if the log's id does not allow this partition.
        var isAdded = false
    }

    /// The id of every region's second log.
    static let secondLog = LogID(unchecked: "log-1")

    let regions: [RegionID]
    private(set) var logs: [Log] = []
    private(set) var shards: [Shard] = []
    /// By region, its shards and logs, which are numbered consecutively.
    private(set) var shardsOfRegion: [Range<Int>] = []
    private(set) var logsOfRegion: [Range<Int>] = []
    private let numberOfShard: [ShardID: Int]

    /// - Parameters:
    ///   - partitions: by region and log, the number of partitions.
    ///   - hasAddedPartition: true if the last log of the first region gets one more.
    init(partitions: [[Int32]], hasAddedPartition: Bool = false) {
        regions = partitions.indices.map { RegionID(unchecked: "region-\($0)") }
        for (region, counts) in partitions.enumerated() {
            let firstShard = shards.count
            let firstLog = logs.count
            for (place, count) in counts.enumerated() {
                let id = LogID(unchecked: "log-\(place)")
                let first = shards.count
                let isExtended =
                    hasAddedPartition && region == 0 && place == counts.indices.last
                for partition in 0..<count + (isExtended ? 1 : 0) {
                    shards.append(
                        Shard(
                            id: ShardID(region: regions[region], log: id, partition: partition),
                            region: region, log: logs.count, local: shards.count - firstShard,
                            isAdded: partition == count))
                }
                logs.append(
                    Log(region: region, id: id, partitions: count, shards: first..<shards.count))
            }
            shardsOfRegion.append(firstShard..<shards.count)
            logsOfRegion.append(firstLog..<logs.count)
        }
        numberOfShard = Dictionary(
            uniqueKeysWithValues: shards.enumerated().map { ($0.element.id, $0.offset) })
    }

    func number(of shard: ShardID) -> Int? { numberOfShard[shard] }

    func region(_ id: RegionID) -> Int? { regions.firstIndex(of: id) }

    func log(_ id: LogID, region: Int) -> Int? {
        logsOfRegion[region].first { logs[$0].id == id }
    }
}
