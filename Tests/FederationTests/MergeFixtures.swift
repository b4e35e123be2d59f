import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money

/// Short names for the values in the merge tests.
enum Merge {
    static let region = RegionID(unchecked: "eu-west")
    static let log = LogID(unchecked: "a")
    static let shard = ShardID(region: region, log: log, partition: 3)
    static let version = FoldVersion(rules: 2, settings: 5, digest: 0xABCD)
    static let now = UnixTime(seconds: 29_456_210 * 60 + 30)
    static let present = Minute(29_456_210)
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
        base: Int64, coverage: Int64, idsFrom ago: Int = 2_000, valuesFrom: Int? = nil,
        short: Int? = nil, seed: Int64 = 0, heals: ClosedRange<Int>? = nil,
        buckets: [Bucket] = [], late: [Bucket] = [], missed: [Bucket] = [],
        fingerprint: Fingerprint? = nil,
        baseFingerprint: Fingerprint? = nil, observedThrough: UnixTime? = nil
    ) -> ShardDelta {
        ShardDelta(
            log: log, partition: 3, base: base, coverage: coverage,
            claims: claims(ago, valuesFrom: valuesFrom, short: short),
            replaced: base == 0
                ? minute(ago)...Minute(.max)
                : heals.map { minute($0.upperBound)...minute($0.lowerBound) },
            seedWatermark: seed, observedThrough: observedThrough, fingerprint: fingerprint,
            baseFingerprint: baseFingerprint, buckets: buckets, late: late, missed: missed)
    }

    static func claims(_ idsFrom: Int, valuesFrom: Int? = nil, short: Int? = nil) -> Claims {
        Claims(
            valuesFrom: minute(valuesFrom ?? idsFrom), idsFrom: minute(idsFrom),
            idsShortUntil: short.map(minute) ?? Claims.always)
    }

    static func stored(
        _ watermark: Int64, idsFrom ago: Int = 2_000, valuesFrom: Int? = nil,
        short: Int? = nil, version: FoldVersion = version, fingerprint: Fingerprint? = nil
    ) -> StoredShard {
        StoredShard(
            watermark: watermark, claims: claims(ago, valuesFrom: valuesFrom, short: short),
            foldVersion: version,
            fingerprint: fingerprint)
    }

    static func context(
        version: FoldVersion = version, logs: [LogID: Int32] = [log: 12]
    ) -> MergeContext {
        MergeContext(
            region: region, foldVersion: version, node: "node-1", now: now,
            firstRetained: StoreRetention.first(now: now), knownLogs: logs)
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
