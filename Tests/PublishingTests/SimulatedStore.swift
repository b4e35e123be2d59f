import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money

/// One settled transfer of a shard's log.
struct LogEvent {
    var minute: Minute
    var currency: Currency
    var amount: Int64
}

/// A store in which each shard holds the fold of its log from a minute on, up to a watermark. It
/// can be wiped and rolled back.
struct SimulatedStore {
    struct Shard {
        var watermark: Int
        var completeFrom: Minute
        var observedThrough: UnixTime?
        var receivedAt: UnixTime
    }

    typealias Content = [Minute: [Currency: BucketValue]]

    var logs: [ShardID: [LogEvent]]
    var shards: [ShardID: Shard] = [:]
    var storeID = "a"
    var version: Int64 = 0
    /// The version at which a region's minute last changed.
    var changes: [RegionID: [Minute: Int64]] = [:]
    /// The first minute that has not expired.
    var retainedFrom = Minute(.min)
    let partitions: Int32

    init(shards: [ShardID], partitions: Int32) {
        logs = Dictionary(uniqueKeysWithValues: shards.map { ($0, []) })
        self.partitions = partitions
    }

    /// Commits a shard at a coverage, as one push of its whole state.
    mutating func commit(_ id: ShardID, _ shard: Shard) {
        version += 1
        for event in logs[id]! { changes[id.region, default: [:]][event.minute] = version }
        shards[id] = shard
    }

    mutating func wipe(newID: String) {
        storeID = newID
        version = 0
        shards = [:]
        changes = [:]
    }

    /// The contents of a region, recomputed from the logs.
    func content(of region: RegionID) -> Content {
        var content: Content = [:]
        for (id, shard) in shards where id.region == region {
            for event in logs[id]![..<shard.watermark]
            where event.minute >= max(shard.completeFrom, retainedFrom) {
                content[event.minute, default: [:]][event.currency, default: .zero].settled +=
                    event.amount
                content[event.minute]![event.currency]!.transfers += 1
            }
        }
        return content
    }

    /// The version at which each minute last changed in any region.
    private var changedAt: [Minute: Int64] {
        changes.values.reduce(into: [:]) { $0.merge($1) { max($0, $1) } }
    }

    func refresh(since position: StorePosition?, regions: [RegionID]) -> StoreRefresh {
        let isFull = position?.storeID != storeID || version < (position?.version ?? 0)
        var minutes: [RegionMinute] = []
        for region in regions {
            let content = content(of: region)
            let named =
                isFull
                ? Array(content.keys)
                : (changes[region] ?? [:]).filter {
                    $0.value > position!.version && $0.key >= retainedFrom
                }.map(\.key)
            for minute in named.sorted() {
                let values = (content[minute] ?? [:]).sorted { $0.key < $1.key }
                minutes.append(
                    RegionMinute(
                        region: region, minute: minute,
                        values: values.map { .init(currency: $0.key, value: $0.value) }))
            }
        }
        let standings = shards.mapValues {
            ShardStanding(
                watermark: Int64($0.watermark),
                claims: Claims(valuesFrom: $0.completeFrom, idsFrom: $0.completeFrom),
                observedThrough: $0.observedThrough, receivedAt: $0.receivedAt, node: "n")
        }
        var counts: [RegionID: [LogID: Int32]] = [:]
        for id in shards.keys { counts[id.region] = [id.log: partitions] }
        return StoreRefresh(
            position: StorePosition(storeID: storeID, version: version), isFull: isFull,
            minutes: minutes, standings: standings, partitionCounts: counts,
            changedAt: isFull ? changedAt : [:],
            retainedFrom: retainedFrom == Minute(.min) ? nil : retainedFrom)
    }
}
