package import CivilTime
package import DeltaProtocol
package import Topology

/// What the deltas of one request are decided under.
package struct MergeContext: Sendable {
    package var region: RegionID
    package var foldVersion: FoldVersion
    package var node: String
    /// HQ's clock.
    package var now: UnixTime
    /// The minutes that HQ takes; others are ignored and counted.
    package var retention: ClosedRange<Minute>
    /// The region's logs and how many partitions each may have.
    package var knownLogs: [LogID: Int32]

    package init(
        region: RegionID, foldVersion: FoldVersion, node: String, now: UnixTime,
        retention: ClosedRange<Minute>, knownLogs: [LogID: Int32]
    ) {
        self.region = region
        self.foldVersion = foldVersion
        self.node = node
        self.now = now
        self.retention = retention
        self.knownLogs = knownLogs
    }

    /// The context of `request` at HQ's time `now`.
    package init(_ request: DeltaRequest, knownLogs: [LogID: Int32], now: UnixTime) {
        self.init(
            region: request.region, foldVersion: request.foldVersion, node: request.node, now: now,
            retention: StoreRetention.minutes(
                now: now,
                // Where a relay is dead, observed-through lies behind what is sent.
                observedThrough: request.shards.map(\.observedThrough) + [request.sentAt]),
            knownLogs: knownLogs)
    }

    /// Whether the topology has this partition of this log.
    func knows(_ log: LogID, partition: Int32) -> Bool {
        guard let count = knownLogs[log] else { return false }
        return partition >= 0 && partition < min(count, ShardID.maximumPartitions)
    }
}
