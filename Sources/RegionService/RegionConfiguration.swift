package import Aggregation
package import DeltaClient
import Identifiers
import Platform
import Pacing
import RegionCore
package import Topology

/// What a node of a region runs on.
package struct RegionConfiguration: Sendable {
    package var region: Region
    /// Names the node in HQ's records and in logs: up to 128 bytes, unique among live nodes.
    package var node: String
    /// The topology's secret that ids are hashed with.
    package var idKey: Aggregation.IDKey
    /// Every HQ to push to, each with watermarks of its own. Shards join by what all of them say.
    package var headquarters: [DeltaClientConfiguration]
    /// How long a shard that joins waits for HQs that do not answer, where another one has.
    package var headquartersTimeout: Duration = .seconds(30)
    /// How often the broker is asked where the log ends.
    package var endOffsetInterval: Duration = .seconds(1)
    /// How often what HQ acknowledged is committed to the consumer group.
    package var commitInterval: Duration = .seconds(5)
    /// How long a stopping node tries to push its last changes.
    package var drainTimeout: Duration = .seconds(2)
    /// A new file that every event and action of the node is written to, for
    /// `tributary simulate --replay`; nil writes none. It holds the region's transfers.
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

    /// What the node's core is made of.
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
        // Kafka's default for what a producer's stamp may be off by; more would count as much.
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

    /// The topic has other partitions than the region's log: ids would be remembered in one and
    /// repeated in another.
    static func partitions(of region: Region, expected: String, found: Int) -> RegionError {
        RegionError(
            "topic \(region.topic): expected \(expected) partitions, found \(found); "
                + "declare a new log in the region file")
    }

    /// The topic's records are stamped by their producers, whom the region file does not trust.
    static func timestamps(of region: Region) -> RegionError {
        RegionError(
            "topic \(region.topic): its records carry their producers' time; set "
                + "message.timestamp.type=LogAppendTime, or declare `timestamps: trusted` until "
                + "those records are 51 h old")
    }
}
