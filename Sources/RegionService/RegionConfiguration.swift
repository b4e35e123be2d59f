package import Aggregation
package import DeltaClient
import Identifiers
import Pacing
import Platform
import RegionCore
package import Topology

/// The configuration of a region's node.
package struct RegionConfiguration: Sendable {
    package var region: Region
    /// Identifies the node in HQ's records and in logs: up to 128 bytes, unique among live nodes.
    package var node: String
    /// The topology's secret key of the id hashes.
    package var idKey: Aggregation.IDKey
    /// Every HQ to push to, each with its own watermarks. Shards join by the answers of all of
    /// them.
    package var headquarters: [DeltaClientConfiguration]
    /// How long a joining shard waits for HQs that do not answer, if another one has.
    package var headquartersTimeout: Duration = .seconds(30)
    /// How often the node asks the broker for the log's ends.
    package var endOffsetInterval: Duration = .seconds(1)
    /// How often the node commits acknowledged offsets to the consumer group.
    package var commitInterval: Duration = .seconds(5)
    /// How long a stopping node tries to push its last changes.
    package var drainTimeout: Duration = .seconds(2)
    /// A new file that receives every event and action of the node, for
    /// `tributary simulate --replay`; nil disables recording. It contains the region's transfers.
    package var recordFile: String?

    package init(
        region: Region, node: String, idKey: Aggregation.IDKey,
        headquarters: [DeltaClientConfiguration]
    ) {
        self.region = region
        self.node = node
        self.idKey = idKey
        self.headquarters = headquarters
    }

    /// The settings of the node's core.
    func settings(log: LogID, partitionCount: Int32) -> RegionNodeSettings {
        var settings = RegionNodeSettings(
            region: region.id, node: node, log: log, partitionCount: partitionCount,
            fold: FoldSettings(
                idKey: idKey, exponents: region.exponents, settledWords: region.settledWords,
                logs: region.logs.map(\.id),
                continuingLogs: region.logs.filter(\.isContinuing).map(\.id),
                generation: region.generation, isRelayed: region.isRelayed),
            headquarters: headquarters.count, seed: UInt64.random(in: 0 ... .max))
        settings.deadLetterTopic = region.deadLetterTopic
        settings.requiresBrokerStamps = region.timestamps == .broker
        // Kafka's default limit of a producer stamp's error; a higher limit would count as this.
        settings.disorderMilliseconds = region.timestamps == .broker ? 0 : 3_600_000
        settings.memory = ZeroedMemory(
            allocate: LargePages.allocate, deallocate: LargePages.deallocate)
        settings.pushMilliseconds = region.pushInterval.milliseconds
        settings.headquartersMilliseconds = headquartersTimeout.milliseconds
        settings.endsMilliseconds = endOffsetInterval.milliseconds
        settings.commitMilliseconds = commitInterval.milliseconds
        settings.drainMilliseconds = drainTimeout.milliseconds
        return settings
    }
}

/// Why a node cannot run. Safe to print.
package struct RegionError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }

    /// The topic's number of partitions differs from the log's: a repeat could reach a partition
    /// that has not seen the id.
    static func partitions(of region: Region, expected: String, found: Int) -> RegionError {
        RegionError(
            "topic \(region.topic): expected \(expected) partitions, found \(found); "
                + "declare a new log in the region file")
    }

    /// The topic's records are stamped by their producers, which the region file does not trust.
    static func timestamps(of region: Region) -> RegionError {
        RegionError(
            "topic \(region.topic): its records carry their producers' time; set "
                + "message.timestamp.type=LogAppendTime, or declare `timestamps: trusted` until "
                + "those records are 51 h old")
    }
}
