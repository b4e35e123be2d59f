package import CivilTime
package import DeltaProtocol
package import Identifiers
package import Money

/// The state of a database that a reader has seen.
package struct StorePosition: Hashable, Sendable {
    /// The random id of the database: a different one means that it was wiped or replaced.
    package var storeID: String
    /// The database's version counter.
    package var version: Int64

    package init(storeID: String, version: Int64) {
        self.storeID = storeID
        self.version = version
    }
}

/// HQ's state of one shard, without its buckets.
package struct ShardStanding: Hashable, Sendable {
    package var watermark: Int64
    package var claims: Claims
    /// The first minute that has values.
    package var completeFrom: Minute { claims.valuesFrom }
    package var observedThrough: UnixTime?
    /// HQ's clock when the shard last pushed.
    package var receivedAt: UnixTime
    package var node: String
    package var marker: LedgerMarker?
    package var counters: ShardCounters
    /// True if its buckets may be part of an unfinished commit. The store then has neither its
    /// receive time nor its observed-through.
    package var isTorn: Bool

    package init(
        watermark: Int64, claims: Claims, observedThrough: UnixTime?, receivedAt: UnixTime,
        node: String, marker: LedgerMarker? = nil, counters: ShardCounters = ShardCounters(),
        isTorn: Bool = false
    ) {
        self.watermark = watermark
        self.claims = claims
        self.observedThrough = observedThrough
        self.receivedAt = receivedAt
        self.node = node
        self.marker = marker
        self.counters = counters
        self.isTorn = isTorn
    }
}

/// The contents of one region in one minute, summed over its shards, with all stored currencies. It
/// omits a currency that the minute has lost, so a reader replaces the whole minute.
package struct RegionMinute: Hashable, Sendable {
    package var region: RegionID
    package var minute: Minute
    /// By currency code.
    package var values: [CurrencyValue]
    /// Late money of this minute, by currency code; not part of `values`.
    package var late: [CurrencyValue]
    /// Missed money that arrived in this minute, by currency code; not part of `values`.
    package var missed: [CurrencyValue]

    package struct CurrencyValue: Hashable, Sendable {
        package var currency: Currency
        package var value: BucketValue

        package init(currency: Currency, value: BucketValue) {
            self.currency = currency
            self.value = value
        }
    }

    package var isEmpty: Bool { values.isEmpty && late.isEmpty && missed.isEmpty }

    package init(
        region: RegionID, minute: Minute, values: [CurrencyValue], late: [CurrencyValue] = [],
        missed: [CurrencyValue] = []
    ) {
        self.region = region
        self.minute = minute
        self.values = values
        self.late = late
        self.missed = missed
    }
}

/// One consistent view of the store, or its changes since a position.
package struct StoreRefresh: Sendable {
    package var position: StorePosition
    /// True if `minutes` is everything stored, not only what changed.
    package var isFull: Bool
    package var minutes: [RegionMinute]
    /// All shards that the store has a watermark for.
    package var standings: [ShardID: ShardStanding]
    /// The partition counts of each region's current logs, as last reported by the regions.
    package var partitionCounts: [RegionID: [LogID: Int32]]
    /// In a full view, the version at which each listed minute last changed; other minutes have no
    /// listed change.
    package var changedAt: [Minute: Int64]
    /// The first minute that has not expired by Redis's clock; nil if unknown.
    package var retainedFrom: Minute?
    /// True if Redis is configured to evict keys when its memory is full.
    package var mayEvict: Bool
    /// By region, the logs that the store counts, the one being written last. A missing region
    /// counts the logs in this HQ's files.
    package var countedLogs: [RegionID: [LogID]]
    /// True if they belong to a later topology than this HQ's files.
    package var isTopologyOld: Bool

    package init(
        position: StorePosition, isFull: Bool, minutes: [RegionMinute],
        standings: [ShardID: ShardStanding], partitionCounts: [RegionID: [LogID: Int32]],
        changedAt: [Minute: Int64] = [:], retainedFrom: Minute? = nil, mayEvict: Bool = false,
        countedLogs: [RegionID: [LogID]] = [:], isTopologyOld: Bool = false
    ) {
        self.position = position
        self.isFull = isFull
        self.minutes = minutes
        self.standings = standings
        self.partitionCounts = partitionCounts
        self.changedAt = changedAt
        self.retainedFrom = retainedFrom
        self.mayEvict = mayEvict
        self.countedLogs = countedLogs
        self.isTopologyOld = isTopologyOld
    }
}
