package import Identifiers
package import Money
import Topology

/// What the publisher has to know of the topology.
package struct PublicationSettings: Hashable, Sendable {
    /// By region name, each once.
    package var regions: [RegionSettings]
    /// The currencies that are published; money in others stays out of the totals.
    package var currencies: Set<Currency>
    /// How long a shard may go without a push before its region counts as silent.
    package var silentAfter: Duration
    /// How far a region may lag behind HQ's clock, in event time, before it degrades the answer.
    package var laggingAfter: Duration

    /// How old the last answer of the store may be before it counts as unreachable: one that hangs
    /// says nothing.
    package var storeSilentAfter: Duration = .seconds(5)

    package struct RegionSettings: Hashable, Sendable {
        package var id: RegionID
        /// A retired region's money slides out of the window; nothing of it is waited for.
        package var isRetired: Bool
        /// The logs that are read now: all their partitions have to be there.
        package var currentLogs: [LogID]
        /// Logs whose values count beside the current ones, and that nobody reads any more.
        package var earlierLogs: [LogID]

        package init(
            id: RegionID, isRetired: Bool = false, currentLogs: [LogID], earlierLogs: [LogID] = []
        ) {
            self.id = id
            self.isRetired = isRetired
            self.currentLogs = currentLogs
            self.earlierLogs = earlierLogs
        }
    }

    package init(
        regions: [RegionSettings], currencies: Set<Currency>, silentAfter: Duration = .seconds(10),
        laggingAfter: Duration = .seconds(30)
    ) {
        self.regions = regions.sorted { $0.id < $1.id }
        self.currencies = currencies
        self.silentAfter = silentAfter
        self.laggingAfter = laggingAfter
    }
}
