package import CivilTime
package import Federation
package import Identifiers
import Topology

/// What a publication shows and what that stands on, so that it can be taken up again after a
/// restart: a plain value. A whole one holds every minute; one of changes holds those that changed
/// since an earlier one, and all the rest anew.
package struct PublicationCheckpoint: Hashable, Sendable {
    package var isWhole: Bool
    /// HQ's clock when it was taken.
    package var takenAt: UnixTime
    package var position: StorePosition
    /// The last minute of the window.
    package var currentMinute: Minute
    package var dataAsOf: UnixTime
    /// The greatest observed-through that any shard ever had; it bounds the window's end.
    package var greatestObservedThrough: UnixTime
    /// By region name.
    package var regions: [RegionState]

    package init(
        isWhole: Bool, takenAt: UnixTime, position: StorePosition, currentMinute: Minute,
        dataAsOf: UnixTime, greatestObservedThrough: UnixTime, regions: [RegionState]
    ) {
        self.isWhole = isWhole
        self.takenAt = takenAt
        self.position = position
        self.currentMinute = currentMinute
        self.dataAsOf = dataAsOf
        self.greatestObservedThrough = greatestObservedThrough
        self.regions = regions
    }

    package struct RegionState: Hashable, Sendable {
        package var region: RegionID
        package var observedThrough: UnixTime?
        /// The window's last minute when the store was first found to hold less than what is shown.
        package var recoveringSince: Minute?
        /// By log name.
        package var partitionCounts: [PartitionCount]
        /// By log name, then partition.
        package var marks: [ShardMark]
        /// In rising order. In a whole checkpoint, those with values; in one of changes, a minute
        /// without values has lost them.
        package var minutes: [MinuteValues]

        package init(
            region: RegionID, observedThrough: UnixTime?, recoveringSince: Minute?,
            partitionCounts: [PartitionCount], marks: [ShardMark], minutes: [MinuteValues]
        ) {
            self.region = region
            self.observedThrough = observedThrough
            self.recoveringSince = recoveringSince
            self.partitionCounts = partitionCounts
            self.marks = marks
            self.minutes = minutes
        }
    }

    /// What of one shard the shown values stand on.
    package struct ShardMark: Hashable, Sendable {
        package var log: LogID
        package var partition: Int32
        package var watermark: Int64
        package var completeFrom: Minute

        package init(log: LogID, partition: Int32, watermark: Int64, completeFrom: Minute) {
            self.log = log
            self.partition = partition
            self.watermark = watermark
            self.completeFrom = completeFrom
        }
    }

    package struct MinuteValues: Hashable, Sendable {
        package var minute: Minute
        /// By currency code.
        package var values: [RegionMinute.CurrencyValue]

        package init(minute: Minute, values: [RegionMinute.CurrencyValue]) {
            self.minute = minute
            self.values = values
        }
    }

    /// Brings a whole checkpoint up to a later one of changes.
    package mutating func apply(_ later: PublicationCheckpoint) {
        takenAt = later.takenAt
        position = later.position
        currentMinute = later.currentMinute
        dataAsOf = later.dataAsOf
        greatestObservedThrough = later.greatestObservedThrough
        var before: [RegionID: [MinuteValues]] = [:]
        for region in regions { before[region.region] = region.minutes }
        regions = later.regions.map { region in
            var next = region
            next.minutes = Self.merge(region.minutes, into: before[region.region] ?? [])
            return next
        }
    }

    /// Both in rising order, as is the result, which omits minutes that became empty.
    private static func merge(
        _ changes: [MinuteValues], into before: [MinuteValues]
    ) -> [MinuteValues] {
        guard !changes.isEmpty else { return before }
        var merged: [MinuteValues] = []
        merged.reserveCapacity(before.count + changes.count)
        var rest = before[...]
        for change in changes {
            while let first = rest.first, first.minute <= change.minute {
                if first.minute < change.minute { merged.append(first) }
                rest = rest.dropFirst()
            }
            if !change.values.isEmpty { merged.append(change) }
        }
        return merged + rest
    }
}
