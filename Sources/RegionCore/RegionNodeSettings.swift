package import Aggregation
package import Identifiers

/// What one node is made of. Two nodes of equal settings that receive equal events take equal
/// actions.
package struct RegionNodeSettings: Sendable {
    package var region: RegionID
    /// Names the node at HQ and in logs; carries no authority.
    package var node: String
    /// The log that the node reads.
    package var log: LogID
    /// How many partitions the log has, 1 to `ShardID.maximumPartitions`.
    package var partitionCount: Int32
    package var fold: FoldSettings
    /// The dead-letter topic's name, for logs.
    package var deadLetterTopic = ""
    /// Letters under way that hold consumption back until half of them are acknowledged.
    package var lettersMax = 20_000
    /// By how much a stamp may be earlier than one before it in the log, in milliseconds: 0 where
    /// the broker stamps, else what the topic allows, at most an hour.
    package var disorderMilliseconds: Int64 = 0
    /// Whether only the broker may stamp records: a producer's stamp ends the node.
    package var requiresBrokerStamps = false
    /// How many HQs are pushed to, each with watermarks of its own. The first one is the authority:
    /// commands come from no other.
    package var headquarters: Int
    /// Where the random part of waits comes from.
    package var seed: UInt64
    /// Where the tables of ids live.
    package var memory = ZeroedMemory.heap
    /// The least time between two pushes to one HQ, unless it asks for one at once.
    package var pushMilliseconds: Int64 = 200
    /// How long a shard that joins waits for HQs that do not answer, where another one has.
    package var headquartersMilliseconds: Int64 = 30_000
    /// How often the broker is asked where the log ends.
    package var endsMilliseconds: Int64 = 1_000
    /// How often acknowledged offsets are committed to the consumer group.
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
