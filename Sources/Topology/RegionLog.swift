package import Identifiers

/// A log of a region, as its file declares it: one incarnation of the topic.
package struct RegionLog: Hashable, Sendable {
    /// A log's relation to the previous one in the file.
    package enum Relation: Hashable, Sendable {
        /// Its values add to those of the previous log, whose ids are not read. Transfers of
        /// minutes up to the first record's stamp, plus a margin for clocks, may be in both logs,
        /// so they count as late money and stay out of the total.
        case continues(LogID)
        /// HQ first removes the buckets of the previous log.
        case replaces(LogID)

        /// The previous log.
        package var predecessor: LogID {
            switch self {
            case .continues(let log), .replaces(let log): log
            }
        }
    }

    package var id: LogID
    /// The number of partitions, 1 to `ShardID.maximumPartitions`; nil for the broker's number, up
    /// to `Topology.undeclaredPartitions`.
    package var partitions: Int32?
    /// Nil only for a region's first log.
    package var relation: Relation?

    /// Whether the log continues the previous one.
    package var isContinuing: Bool {
        if case .continues = relation { true } else { false }
    }

    package init(id: LogID, partitions: Int32? = nil, relation: Relation? = nil) {
        self.id = id
        self.partitions = partitions
        self.relation = relation
    }
}
