import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money
import Publishing
import Topology

/// One HQ process's publisher and the values that it must show: the second fold at the store's
/// watermarks when the publisher last had everything.
struct PublisherCheck {
    struct RegionTruth {
        /// By local number of the shard, the watermark that the shown values stand on.
        var shown: [Int64?]
        var cursors: [TruthCursor]
        /// By local shard number, true if the shard's log counts.
        var counts: [Bool]
        /// The time up to which the shown values include everything.
        var observed: UnixTime?
        /// The first minute from which the shown values are exact, except for unproven money.
        var exactFrom = Minute(.min)
        /// The first minute from which the shards claim to have values.
        var valuesFrom = Minute(.min)
        /// The first minute from which no money is unproven.
        var idsFrom = Minute(.min)
        /// True if the store holds less than what is shown.
        var isBehind = false
        /// True if the reason is a log that has not yet seen as much as the one it replaces.
        var isReplaced = false
        /// The window's last minute when the store last held everything.
        var lastWhole: Minute?
        /// True if every shard was present when the values were last shown.
        var isWhole = false
        /// True if a failed script had then left buckets ahead of their watermark.
        var isHalfWritten = false

        mutating func forgetClaims() {
            exactFrom = Minute(.min)
            valuesFrom = Minute(.min)
            idsFrom = Minute(.min)
        }

        /// Adds a shard whose values are shown.
        mutating func take(_ claims: Claims) {
            exactFrom = max(exactFrom, claims.valuesFrom, claims.idsShortUntil)
            valuesFrom = max(valuesFrom, claims.valuesFrom)
            idsFrom = max(idsFrom, claims.idsFrom)
        }
    }

    var publication: Publication
    var clockwork: PublicationClockwork
    var waits = Waits()
    var regions: [RegionTruth]
    /// The store's connection of the last refresh.
    var connection = 0
    var dataAsOf: UnixTime?
    /// By shard, minutes whose values it had read before the store lost them, with the version at
    /// which each had changed: their shown values stay until a change.
    var held: [Int: [Int32: Int64]] = [:]
    let width: Int
    /// By region, the logs that the process's own files count; nil for all.
    private let ownLogs: [[LogID]?]

    /// - Parameter now: the queue's time.
    init(shape: WorldShape, options: SeedOptions, topology: StoreTopology, at now: Int64) {
        clockwork = PublicationClockwork(options.clockworkSettings, at: now)
        width = options.currencies.count
        ownLogs = shape.regions.map { topology.logs[$0]?.map(\.id) }
        let ownLogs = ownLogs
        publication = Publication(
            settings: PublicationSettings(
                regions: shape.regions.indices.map { region in
                    PublicationSettings.RegionSettings(
                        id: shape.regions[region],
                        currentLogs: ownLogs[region]
                            ?? shape.logsOfRegion[region].map { shape.logs[$0].id })
                }, currencies: Set(options.currencies), silentAfter: .seconds(30),
                laggingAfter: .seconds(60)))
        let width = width
        regions = shape.shardsOfRegion.map { shards in
            RegionTruth(
                shown: shards.map { _ in nil },
                cursors: shards.map { _ in TruthCursor(width: width) },
                counts: shards.map { _ in true })
        }
    }

    /// Computes, by the contract, the values to show after a refresh.
    ///
    /// - Parameter halfWritten: by shard, true if its buckets are ahead of its watermark.
    mutating func note(
        _ refresh: StoreRefresh, now: UnixTime, current: Minute, shape: WorldShape,
        truths: [ShardTruth], halfWritten: [Bool], keepsLastGood: [Bool]
    ) {
        for region in regions.indices {
            let shards = shape.shardsOfRegion[region]
            let standings = shards.map { refresh.standings[shape.shards[$0].id] }
            let logs = refresh.countedLogs[shape.regions[region]] ?? ownLogs[region]
            let counts = shards.map {
                !shape.shards[$0].isAdded && logs?.contains(shape.shards[$0].id.log) ?? true
            }
            regions[region].counts = counts
            let counted = standings.indices.filter { counts[$0] }
            let observed = counted.map { standings[$0]?.observedThrough.map { min($0, now) } }
            // The values of a log that no longer counts are shown until its replacement has seen as
            // much.
            let isReplaced =
                regions[region].shown.indices.contains {
                    !counts[$0] && regions[region].shown[$0] != nil
                }
                && observed.contains {
                    guard let before = regions[region].observed else { return $0 == nil }
                    return $0.map { $0 < before } ?? true
                }
            let isBehind =
                keepsLastGood[region] || isReplaced
                || counted.contains { local in
                    if standings[local]?.isTorn ?? false { return true }
                    guard let shown = regions[region].shown[local] else { return false }
                    return (standings[local]?.watermark ?? -1) < shown
                }
            regions[region].isReplaced = isReplaced
            if !isBehind { regions[region].lastWhole = current }
            if isBehind, let last = regions[region].lastWhole,
                last.distance(to: current) >= Limits.windowMinutes
            {
                // The window has moved past everything shown before the loss.
                regions[region].shown = shards.map { _ in nil }
                regions[region].isWhole = false
            }
            regions[region].isBehind = isBehind
            guard !isBehind else {
                // Recovered values are shown if they are no less than before; the publisher then
                // waits for them after another loss.
                for (local, standing) in standings.enumerated() {
                    guard let standing, !standing.isTorn,
                        standing.watermark >= regions[region].shown[local] ?? 0
                    else { continue }
                    regions[region].shown[local] = standing.watermark
                    // Its minutes are shown live, so its claims apply to them.
                    regions[region].take(standing.claims)
                }
                continue
            }
            regions[region].isHalfWritten = counted.contains {
                halfWritten[shards.lowerBound + $0]
            }
            regions[region].isWhole = counted.allSatisfy { standings[$0] != nil }
            if let least = observed.compactMap(\.self).min() {
                let before = regions[region].observed
                if before == nil || !observed.contains(nil) {
                    regions[region].observed = max(before ?? least, least)
                }
            }
            regions[region].forgetClaims()
            for (local, standing) in standings.enumerated() {
                var touched: [ShardTruth.Place] = []
                if !counts[local] {
                    regions[region].shown[local] = nil
                    regions[region].cursors[local].move(
                        to: 0, along: truths[shards.lowerBound + local], touched: &touched)
                }
                guard counts[local], let standing else { continue }
                regions[region].take(standing.claims)
                regions[region].shown[local] = standing.watermark
                regions[region].cursors[local].move(
                    to: standing.watermark, along: truths[shards.lowerBound + local],
                    touched: &touched)
            }
        }
    }

    /// The correct sums of a region's window, by column.
    func expected(region: Int, current: Minute) -> [BucketValue] {
        var sums = [BucketValue](repeating: .zero, count: width)
        let first = current.number - Int32(Limits.windowMinutes) + 1
        for cursor in regions[region].cursors {
            let table = cursor.buckets
            for row in table.row(from: first)..<table.minutes.count {
                guard table.minutes[row] <= current.number else { break }
                for column in 0..<width {
                    let value = table.value(row: row, column: column)
                    sums[column].settled += value.published
                    sums[column].transfers += value.transfers
                }
            }
        }
        return sums
    }
}
