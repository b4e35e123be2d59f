package import CivilTime
package import DeltaProtocol
package import Identifiers

/// The conditions under which HQ decides the deltas of one request.
package struct MergeContext: Sendable {
    package var region: RegionID
    package var foldVersion: FoldVersion
    package var node: String
    /// HQ's present.
    package var now: UnixTime
    /// Earlier minutes are ignored and counted; later ones are taken, however far ahead.
    package var firstRetained: Minute
    /// The region's logs and the maximum number of partitions of each.
    package var knownLogs: [LogID: Int32]

    package init(
        region: RegionID, foldVersion: FoldVersion, node: String, now: UnixTime,
        firstRetained: Minute, knownLogs: [LogID: Int32]
    ) {
        self.region = region
        self.foldVersion = foldVersion
        self.node = node
        self.now = now
        self.firstRetained = firstRetained
        self.knownLogs = knownLogs
    }

    /// The context of `request` at HQ's present `now`.
    package init(_ request: DeltaRequest, knownLogs: [LogID: Int32], now: UnixTime) {
        self.init(
            region: request.region, foldVersion: request.foldVersion, node: request.node, now: now,
            firstRetained: StoreRetention.first(now: now),
            knownLogs: knownLogs)
    }

    /// True if the topology has this partition of this log.
    func knows(_ log: LogID, partition: Int32) -> Bool {
        guard let count = knownLogs[log] else { return false }
        return partition >= 0 && partition < min(count, ShardID.maximumPartitions)
    }
}
