package import Identifiers

/// Ensures that the store counts the logs in one HQ process's files, and that the logs they replace
/// are removed before anything is added: once per connection, because a new connection may lead to
/// another database.
package struct TopologyAdoption: Sendable {
    /// How to handle the store's topology.
    package enum Decision: Hashable, Sendable {
        /// It equals this HQ's.
        case current
        /// It is older or missing: this one replaces it unless another HQ has written meanwhile.
        case write(StoredTopology)
        /// It is of a later generation, or of the same one with other logs: it applies.
        case older(stored: Int64)
    }

    private let own: StoreTopology
    private var adoptedOn = 0
    private var removedOn: [RegionID: Int] = [:]

    package init(_ own: StoreTopology) { self.own = own }

    /// True if the topology must be read on this connection.
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

    /// True if the region's replaced logs must be removed on this connection.
    package func mustRemove(of region: RegionID, on connection: Int) -> Bool {
        own.logs[region] != nil && removedOn[region] != connection
    }

    package mutating func haveRemoved(of region: RegionID, on connection: Int) {
        removedOn[region] = connection
    }

    /// True if a shard's buckets must be removed.
    package func isReplaced(_ shard: ShardID) -> Bool {
        own.logs[shard.region] != nil && !own.counts(shard.log, of: shard.region)
    }
}
