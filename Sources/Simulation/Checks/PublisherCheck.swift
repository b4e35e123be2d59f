import CivilTime
import DeltaProtocol
import Federation
import Money
import Topology

/// One HQ process's publisher, and what it must show: the second fold at the watermarks that it
/// stood at when it last had everything.
struct PublisherCheck {
    struct Region {
        /// By local number of the shard, the watermark that the shown values stand on.
        var shown: [Int64?]
        var cursors: [TruthCursor]
        /// The first minute from which the shown values are exact, except for unproven money.
        var exactFrom = Minute(.min)
        /// The first minute from which the shards claim to have values.
        var valuesFrom = Minute(.min)
        /// The first minute from which no money is unproven.
        var idsFrom = Minute(.min)
        /// Whether the store holds less than what is shown.
        var isBehind = false
        /// The window's last minute when the store last held everything.
        var lastWhole: Minute?
        /// Whether every shard stood there when the values were shown last.
        var isWhole = false
        /// Whether a failed script had left buckets ahead of their watermark then.
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
    var regions: [Region]
    /// The store's connection of the last refresh.
    var connection = 0
    var dataAsOf: UnixTime?
    /// By shard, minutes whose values it had read before the store lost them, and the version at
    /// which each had changed: what was shown of them stays while nothing changes them.
    var held: [Int: [Int32: Int64]] = [:]
    let width: Int

    init(shape: WorldShape, options: SeedOptions) {
        width = options.currencies.count
        publication = Publication(
            settings: PublicationSettings(
                regions: shape.regions.indices.map { region in
                    PublicationSettings.Region(
                        id: shape.regions[region],
                        currentLogs: shape.logsOfRegion[region].map { shape.logs[$0].id })
                }, currencies: Set(options.currencies), silentAfter: .seconds(30),
                laggingAfter: .seconds(60)))
        let width = width
        regions = shape.shardsOfRegion.map { shards in
            Region(
                shown: shards.map { _ in nil },
                cursors: shards.map { _ in TruthCursor(width: width) })
        }
    }

    /// Works out, as the contract says it, what has to be shown after a refresh.
    ///
    /// - Parameter halfWritten: by shard, whether its buckets are ahead of its watermark.
    mutating func note(
        _ refresh: StoreRefresh, current: Minute, shape: WorldShape, truths: [ShardTruth],
        halfWritten: [Bool], keepsLastGood: [Bool]
    ) {
        for region in regions.indices {
            let shards = shape.shardsOfRegion[region]
            let standings = shards.map { refresh.standings[shape.shards[$0].id] }
            let isBehind =
                keepsLastGood[region]
                || zip(regions[region].shown, standings).contains {
                    if $1?.isTorn ?? false { return true }
                    guard let shown = $0 else { return false }
                    return ($1?.watermark ?? -1) < shown
                }
            if !isBehind { regions[region].lastWhole = current }
            if isBehind, let last = regions[region].lastWhole,
                last.distance(to: current) >= Limits.windowMinutes
            {
                // The window has moved past everything that was shown before the loss.
                regions[region].shown = shards.map { _ in nil }
                regions[region].isWhole = false
            }
            regions[region].isBehind = isBehind
            guard !isBehind else {
                // What is back is shown where that is no less than before, and is waited for again.
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
            regions[region].isHalfWritten = halfWritten[shards].contains(true)
            regions[region].isWhole = standings.allSatisfy { $0 != nil }
            regions[region].forgetClaims()
            for (local, standing) in standings.enumerated() {
                guard let standing else { continue }
                regions[region].take(standing.claims)
                regions[region].shown[local] = standing.watermark
                var touched: [ShardTruth.Place] = []
                regions[region].cursors[local].move(
                    to: standing.watermark, along: truths[shards.lowerBound + local],
                    touched: &touched)
            }
        }
    }

    /// What a region's window must sum to, by column.
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
