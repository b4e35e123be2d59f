package import Identifiers
package import Money
import Topology

/// The publisher's part of the topology.
package struct PublicationSettings: Hashable, Sendable {
    /// By region name, each once.
    package var regions: [RegionSettings]
    /// The currencies that are published; money in others stays out of the totals.
    package var currencies: Set<Currency>
    /// How long a shard may go without a push before its region counts as silent.
    package var silentAfter: Duration
    /// How far a region may lag behind HQ's clock, in event time, before it degrades the answer.
    package var laggingAfter: Duration

    /// How old the store's last answer may be before it counts as unreachable, because a hanging
    /// store reports no error.
    package var storeSilentAfter: Duration = .seconds(5)

    package struct RegionSettings: Hashable, Sendable {
        package var id: RegionID
        /// A retired region's money leaves the window with time, and nothing waits for the region.
        package var isRetired: Bool
        /// The logs read now: all their partitions must be present.
        package var currentLogs: [LogID]
        /// Logs whose values still count but that are no longer read.
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
