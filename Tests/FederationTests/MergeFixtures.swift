import CivilTime
import DeltaProtocol
import Federation
import Money
import Topology

/// Short names for what the merge tests are made of.
enum Merge {
    static let region = RegionID(unchecked: "eu-west")
    static let log = LogID(unchecked: "a")
    static let shard = ShardID(region: region, log: log, partition: 3)
    static let version = FoldVersion(rules: 2, settings: 5, digest: 0xABCD)
    static let now = UnixTime(seconds: 29_456_210 * 60 + 30)
    static let present = Minute(29_456_210)
    static let retention = StoreRetention.minutes(now: now, observedThrough: [])
    static let usd = currency("USD")
    static let eur = currency("EUR")
    static let jpy = currency("JPY")

    static func currency(_ code: String) -> Currency {
        Currency(code: code) ?? Currency(uncheckedIndex: 0)
    }

    static func minute(_ ago: Int) -> Minute { present.advanced(by: -ago) }

    static func bucket(
        _ ago: Int, _ currency: Currency, _ settled: Int64, _ transfers: Int64 = 1,
        _ correction: Int64 = 0
    ) -> Bucket {
        Bucket(
            minute: minute(ago), currency: currency,
            value: BucketValue(settled: settled, transfers: transfers, correction: correction))
    }

    static func delta(
        base: Int64, coverage: Int64, completeFrom ago: Int = 2_000, buckets: [Bucket] = [],
        late: [Bucket] = [], fingerprint: Fingerprint? = nil, observedThrough: UnixTime? = nil
    ) -> ShardDelta {
        ShardDelta(
            log: log, partition: 3, base: base, coverage: coverage, completeFrom: minute(ago),
            observedThrough: observedThrough, fingerprint: fingerprint, buckets: buckets,
            late: late)
    }

    static func stored(
        _ watermark: Int64, completeFrom ago: Int = 2_000, version: FoldVersion = version,
        fingerprint: Fingerprint? = nil
    ) -> StoredShard {
        StoredShard(
            watermark: watermark, completeFrom: minute(ago), foldVersion: version,
            fingerprint: fingerprint)
    }

    static func context(
        version: FoldVersion = version, logs: [LogID: Int32] = [log: 12],
        retention: ClosedRange<Minute> = retention
    ) -> MergeContext {
        MergeContext(
            region: region, foldVersion: version, node: "node-1", now: now, retention: retention,
            knownLogs: logs)
    }

    static func decide(
        _ delta: ShardDelta, stored: StoredShard?, old: [Bucket] = [], oldLate: [Bucket] = [],
        liveness: ShardLiveness? = nil, context: MergeContext = context()
    ) -> ShardDecision {
        ShardMerge.decide(
            delta,
            reading: ShardReading(
                watermark: stored?.text, liveness: liveness?.text, buckets: old, late: oldLate),
            context: context)
    }

    static func change(
        _ ago: Int, _ currency: Currency, _ value: BucketValue, published: Int64, transfers: Int64
    ) -> BucketChange {
        BucketChange(
            minute: minute(ago), currency: currency, value: value, published: published,
            transfers: transfers)
    }
}
