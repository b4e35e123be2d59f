package import Identifiers

/// Makes sure that the store counts the logs that one HQ process's files count, and that the logs
/// they replace are taken out before anything is added: once per connection, because a new one may
/// lead to another database.
package struct TopologyAdoption: Sendable {
    /// How the store's topology is dealt with.
    package enum Decision: Hashable, Sendable {
        /// It is this HQ's own.
        case current
        /// It is older, or there is none: this one takes its place if nobody else wrote meanwhile.
        case write(StoredTopology)
        /// It is of a later generation, or of the same one with other logs: it applies.
        case older(stored: Int64)
    }

    private let own: StoreTopology
    private var adoptedOn = 0
    private var removedOn: [RegionID: Int] = [:]

    package init(_ own: StoreTopology) { self.own = own }

    /// Whether the topology has to be read on this connection.
    package func mustAdopt(on connection: Int) -> Bool { adoptedOn != connection }

    /// - Parameter seconds: HQ's present in Unix time.
    package func decide(over stored: StoredTopology?, seconds: Int64) -> Decision {
        switch stored?.standing(of: own) ?? .newer {
        case .current: .current
        case .newer: .write(StoredTopology(own, over: stored, seconds: seconds))
        case .older: .older(stored: stored?.generation ?? 0)
        }
    }

    package mutating func wasAdopted(on connection: Int) { adoptedOn = connection }

    /// Another HQ has written another topology.
    package mutating func hasChanged() { adoptedOn = 0 }

    /// Whether the region's replaced logs have to be taken out on this connection.
    package func mustRemove(of region: RegionID, on connection: Int) -> Bool {
        own.logs[region] != nil && removedOn[region] != connection
    }

    package mutating func haveRemoved(of region: RegionID, on connection: Int) {
        removedOn[region] = connection
    }

    /// Whether a shard's buckets have to be taken out.
    package func isReplaced(_ shard: ShardID) -> Bool {
        own.logs[shard.region] != nil && !own.counts(shard.log, of: shard.region)
    }
}
