import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Logging
import Money
import RedisStore
import Synchronization

/// Short names for the values in the store's tests. Keys expire by Redis's own clock, so the tests
/// use the real time.
enum Fixture {
    static let eu = RegionID(unchecked: "eu-west")
    static let us = RegionID(unchecked: "us-east")
    static let regions = [eu, us]
    static let log = LogID(unchecked: "a")
    static let logs: [LogID: Int32] = [log: 12, LogID(unchecked: "b"): 12]
    static let version = FoldVersion(rules: 1, settings: 1, digest: 7)
    static let usd = currency("USD")
    static let eur = currency("EUR")

    static func now() -> UnixTime {
        let sinceEpoch = TimeOfDay.milliseconds()
        return UnixTime(milliseconds: sinceEpoch)
    }

    static func currency(_ code: String) -> Currency {
        Currency(code: code) ?? Currency(uncheckedIndex: 0)
    }

    static func store(
        _ server: RedisServer, regions: [RegionID] = regions,
        change: (inout RedisStoreConfiguration) -> Void = { _ in }
    ) throws -> RedisStore {
        var configuration = RedisStoreConfiguration(
            endpoint: .unixSocket(path: server.socket), regions: regions)
        change(&configuration)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try RedisStore(configuration: configuration, logger: logger)
    }

    static func bucket(
        _ minute: Minute, _ currency: Currency, _ settled: Int64, _ transfers: Int64 = 1,
        _ correction: Int64 = 0
    ) -> Bucket {
        Bucket(
            minute: minute, currency: currency,
            value: BucketValue(settled: settled, transfers: transfers, correction: correction))
    }

    static func delta(
        _ partition: Int32 = 0, log: LogID = log, base: Int64, coverage: Int64,
        completeFrom: Minute? = nil, _ buckets: [Bucket] = [], late: [Bucket] = [],
        missed: [Bucket] = [], observedThrough: UnixTime? = nil
    ) -> ShardDelta {
        ShardDelta(
            log: log, partition: partition, base: base, coverage: coverage,
            claims: Claims(from: completeFrom ?? now().minute.advanced(by: -2_000)),
            observedThrough: observedThrough, buckets: buckets, late: late, missed: missed)
    }

    static func request(_ shards: [ShardDelta], region: RegionID = eu) -> DeltaRequest {
        DeltaRequest(
            foldVersion: version, region: region, node: "node-1", sentAt: now(),
            partitionCounts: [log: 12], shards: shards)
    }

    static func commit(
        _ store: RedisStore, _ shards: [ShardDelta], region: RegionID = eu
    ) async throws -> [ShardReply] {
        try await store.commit(request(shards, region: region), knownLogs: logs, now: now()).shards
    }

    /// One region's minutes in a refresh: (minute, currency) to value, without empty ones.
    static func values(_ refresh: StoreRefresh, _ region: RegionID) -> [Place: BucketValue] {
        var values: [Place: BucketValue] = [:]
        for minute in refresh.minutes where minute.region == region {
            for entry in minute.values {
                values[Place(minute: minute.minute, currency: entry.currency)] = entry.value
            }
        }
        return values
    }

    struct Place: Hashable {
        var minute: Minute
        var currency: Currency
    }
}

extension RedisStore {
    /// Commits a request like ingest does, without comparing digests.
    func commit(
        _ request: DeltaRequest, knownLogs: [LogID: Int32], now: UnixTime
    ) async throws -> DeltaReply {
        let memory = Mutex(CommitMemory())
        let round = CommitRound(
            request,
            settings: CommitRound.Settings(
                knownLogs: knownLogs, isSummed: sums(request.region)), now: now)
        return try await carryOut(round, now: now) { round, event in
            memory.withLock { round.handle(event, at: now, memory: &$0) }
        }
    }
}
