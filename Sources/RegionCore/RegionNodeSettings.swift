package import Aggregation
package import Identifiers

/// The settings of one node. Two nodes with equal settings that receive equal events issue equal
/// actions.
package struct RegionNodeSettings: Sendable {
    package var region: RegionID
    /// Identifies the node at HQ and in logs; carries no authority.
    package var node: String
    /// The log that the node reads.
    package var log: LogID
    /// The log's number of partitions, 1 to `ShardID.maximumPartitions`.
    package var partitionCount: Int32
    package var fold: FoldSettings
    /// The dead-letter topic's name, for logs.
    package var deadLetterTopic = ""
    /// The number of letters in flight that holds consumption back until half are acknowledged.
    package var lettersMax = 20_000
    /// How much earlier than a preceding record's stamp a stamp may be, in milliseconds: 0 if the
    /// broker stamps, else the topic's limit, at most an hour.
    package var disorderMilliseconds: Int64 = 0
    /// True if only the broker may stamp records: a producer's stamp ends the node.
    package var requiresBrokerStamps = false
    /// The number of HQs to push to, each with its own watermarks. The first one is the authority:
    /// the node accepts commands from no other.
    package var headquarters: Int
    /// The seed for the random part of waits.
    package var seed: UInt64
    /// Allocates the id tables.
    package var memory = ZeroedMemory.heap
    /// The minimum time between two pushes to one HQ, unless HQ requests one at once.
    package var pushMilliseconds: Int64 = 200
    /// How long a joining shard waits for HQs that do not answer, if another one has.
    package var headquartersMilliseconds: Int64 = 30_000
    /// How often the node asks the broker for the log's ends.
    package var endsMilliseconds: Int64 = 1_000
    /// How often the node commits acknowledged offsets to the consumer group.
    package var commitMilliseconds: Int64 = 5_000
    /// How long a stopping node tries to push its last changes.
    package var drainMilliseconds: Int64 = 2_000

    package init(
        region: RegionID, node: String, log: LogID, partitionCount: Int32, fold: FoldSettings,
        headquarters: Int, seed: UInt64
    ) {
        self.region = region
        self.node = node
        self.log = log
        self.partitionCount = partitionCount
        self.fold = fold
        self.headquarters = headquarters
        self.seed = seed
    }
}
