package import Identifiers

/// A log of a region, as its file declares it: one incarnation of the topic.
package struct RegionLog: Hashable, Sendable {
    /// What a log is to the one declared before it.
    package enum Relation: Hashable, Sendable {
        /// Its values add to those of the previous log, whose ids are not read. Transfers of
        /// minutes up to the first record's stamp, plus a margin for clocks, may be in both logs,
        /// so they count as late money and stay out of the total.
        case continues(LogID)
        /// HQ takes the buckets of the log before out first.
        case replaces(LogID)

        /// The log before.
        package var predecessor: LogID {
            switch self {
            case .continues(let log), .replaces(let log): log
            }
        }
    }

    package var id: LogID
    /// How many partitions it has, 1 to `ShardID.maximumPartitions`; nil to take the broker's word,
    /// up to `Topology.undeclaredPartitions`.
    package var partitions: Int32?
    /// Nil for a region's first log, and only there.
    package var relation: Relation?

    /// True if it continues the previous log.
    package var isContinuing: Bool {
        if case .continues = relation { true } else { false }
    }

    package init(id: LogID, partitions: Int32? = nil, relation: Relation? = nil) {
        self.id = id
        self.partitions = partitions
        self.relation = relation
    }
}
