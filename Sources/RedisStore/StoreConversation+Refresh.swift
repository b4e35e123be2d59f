import CivilTime
import DeltaProtocol
import Federation
import Money
import Topology

extension StoreConversation {
    /// What has changed since `position`, or everything, as one consistent view.
    ///
    /// A few changed minutes are read in one step with all else. Many are read in chunks, and then
    /// what has changed since they were listed, until the last step is a small one: a minute that
    /// is not read again in it has not changed since the step before.
    ///
    /// A new connection may lead to another database, or to one that has lost its tail and grown
    /// again past the version seen: everything is read anew then.
    mutating func refresh(
        since position: StorePosition?, regions: [RegionID], deadline: Deadline
    ) throws(RedisStoreError) -> StoreRefresh {
        for _ in 0..<ScriptLimits.refreshConnections {
            try connect()
            let number = connectionNumber
            let refresh = try refreshOnce(
                since: refreshedOn == number ? position : nil, regions: regions,
                deadline: deadline)
            if connectionNumber == number {
                refreshedOn = number
                return refresh
            }
        }
        throw RedisStoreError(.connectionLost, doing: "refreshing")
    }

    private mutating func refreshOnce(
        since position: StorePosition?, regions: [RegionID], deadline: Deadline
    ) throws(RedisStoreError) -> StoreRefresh {
        var since = position
        var isFull = false
        var collected = MinuteCollection(regions: regions)
        for round in 1...ScriptLimits.refreshRounds {
            let isLast = round == ScriptLimits.refreshRounds
            let step = try step(
                since: since, limit: isLast ? Int.max : ScriptLimits.minutesPerRefresh,
                collected: &collected, deadline: deadline)
            if step.isFull { isFull = true }
            // Another database than the one whose minutes are collected.
            let isRestart = step.isFull && since != nil && round > 1
            if isRestart { collected.keepOnly(step.changed) }
            if step.isComplete {
                counters.update { $0.damagedValues += collected.damaged }
                return StoreRefresh(
                    position: step.position, isFull: isFull,
                    minutes: collected.minutes(withEmpty: !isFull), standings: step.standings,
                    partitionCounts: step.partitionCounts)
            }
            try collect(step.changed, into: &collected, regions: regions, deadline: deadline)
            since = step.position
        }
        throw RedisStoreError(.contended, doing: "refreshing")
    }

    fileprivate struct Step {
        var position: StorePosition
        var isFull: Bool
        var changed: [Minute]
        /// Whether the changed minutes came with it.
        var isComplete: Bool
        var standings: [ShardID: ShardStanding] = [:]
        var partitionCounts: [RegionID: [LogID: Int32]] = [:]
    }

    private mutating func step(
        since: StorePosition?, limit: Int, collected: inout MinuteCollection, deadline: Deadline
    ) throws(RedisStoreError) -> Step {
        let regions = collected.regions
        var command = RedisCommand(
            since?.storeID ?? "", String(since?.version ?? 0), String(limit))
        command.append(Self.packed(regions.map(\.name)))
        let doing = "refreshing"
        return try runReading(.refresh, command, deadline: deadline, doing: doing) {
            (reply) throws(RedisStoreError) -> Step in
            let answer = try reply.array(atLeast: 6, doing: doing)
            var step = Step(
                position: StorePosition(
                    storeID: answer[0].text ?? "",
                    version: BucketText.number(answer[1].bytes) ?? 0),
                isFull: answer[2].integer == 1,
                changed: answer[4].texts.compactMap { Int32($0).map { Minute($0) } },
                isComplete: answer[5].isArray)
            let facts = try answer[3].array(atLeast: regions.count, doing: doing)
            for (index, region) in regions.enumerated() {
                let parts = try facts[index].array(atLeast: 2, doing: doing)
                step.addFacts(of: region, watermarks: parts[0].texts, liveness: parts[1].texts)
            }
            if step.isComplete { collected.replace(step.changed, with: answer[5]) }
            return step
        }
    }

    private mutating func collect(
        _ minutes: [Minute], into collected: inout MinuteCollection, regions: [RegionID],
        deadline: Deadline
    ) throws(RedisStoreError) {
        var start = 0
        while start < minutes.count {
            let end = min(start + ScriptLimits.minutesPerRefresh, minutes.count)
            let chunk = Array(minutes[start..<end])
            var command = RedisCommand()
            command.append(Self.packed(regions.map(\.name)))
            command.append(Self.packed(chunk.map { String($0.number) }))
            try runReading(.readMinutes, command, deadline: deadline, doing: "reading minutes") {
                collected.replace(chunk, with: $0)
            }
            start = end
        }
    }
}

extension StoreConversation.Step {
    /// Adds what the two hashes of a region say; `watermarks` and `liveness` hold fields and
    /// values in turns.
    fileprivate mutating func addFacts(
        of region: RegionID, watermarks: [String], liveness: [String]
    ) {
        var facts: [String: String] = [:]
        for index in stride(from: 0, to: liveness.count - 1, by: 2) {
            facts[liveness[index]] = liveness[index + 1]
            if let log = LogID(liveness[index]), let count = Int32(liveness[index + 1]) {
                partitionCounts[region, default: [:]][log] = count
            }
        }
        for index in stride(from: 0, to: watermarks.count - 1, by: 2) {
            guard let shard = StoreKeys.shard(region, field: watermarks[index]),
                let stored = StoredShard(text: watermarks[index + 1])
            else { continue }
            let live = facts[watermarks[index]].flatMap { ShardLiveness(text: $0) }
            standings[shard] = ShardStanding(
                watermark: stored.watermark, claims: stored.claims,
                observedThrough: live?.observedThrough,
                receivedAt: live?.receivedAt ?? UnixTime(milliseconds: 0),
                node: live?.node ?? "", marker: live?.marker,
                counters: live?.counters ?? ShardCounters())
        }
    }
}

/// The minutes of a refresh, each whole, as the last read of it said.
struct MinuteCollection {
    let regions: [RegionID]
    /// Values per region, in the order of `regions`.
    private var values: [Minute: [[RegionMinute.CurrencyValue]]] = [:]
    /// Hashes that no HQ wrote; they count for nothing here and are found by the verification.
    private(set) var damaged = 0
    /// Sums of one region's minute by currency index, and which currencies they name.
    private var sums: [BucketValue]
    private var named: [UInt16] = []
    private var isNamed: [Bool]

    init(regions: [RegionID]) {
        self.regions = regions
        sums = Array(repeating: .zero, count: Currency.count)
        isNamed = Array(repeating: false, count: Currency.count)
    }

    /// Takes `minutes` from `hashes`: region's place, minute, field, hash in turns, ordered by
    /// minute, then region. Minutes without a hash become empty.
    mutating func replace(_ minutes: [Minute], with hashes: ReplyView) {
        for minute in minutes { values[minute] = Array(repeating: [], count: regions.count) }
        var buckets: [Bucket] = []
        var at = 0
        while at + 3 < hashes.count {
            let region = hashes[at].integer ?? 0
            let number = BucketText.number(hashes[at + 1].bytes)
            repeat {
                let minute = Minute(Int32(clamping: number ?? 0))
                buckets.removeAll(keepingCapacity: true)
                if !BucketText.append(hashes[at + 3], minute: minute, to: &buckets)
                    || !add(buckets)
                {
                    damaged += 1
                }
                at += 4
            } while at + 3 < hashes.count && hashes[at].integer == region
                && BucketText.number(hashes[at + 1].bytes) == number
            let total = takeSums()
            guard let number, let minute = Int32(exactly: number), region >= 1,
                region <= regions.count
            else { continue }
            values[Minute(minute)]?[Int(region) - 1] = total
        }
    }

    mutating func keepOnly(_ minutes: [Minute]) {
        let kept = Set(minutes)
        values = values.filter { kept.contains($0.key) }
    }

    /// By minute, then region; `withEmpty` names minutes without a value too.
    func minutes(withEmpty: Bool) -> [RegionMinute] {
        values.sorted { $0.key < $1.key }.flatMap { minute, perRegion in
            zip(regions, perRegion).compactMap { region, values in
                values.isEmpty && !withEmpty
                    ? nil : RegionMinute(region: region, minute: minute, values: values)
            }
        }
    }

    /// False, with nothing added, where a sum would leave `Int64`: values within the bounds stay
    /// within it, over all shards there can be.
    private mutating func add(_ buckets: [Bucket]) -> Bool {
        for bucket in buckets
        where sums[Int(bucket.currency.index)].adding(bucket.value) == nil { return false }
        for bucket in buckets {
            let index = Int(bucket.currency.index)
            if !isNamed[index] {
                isNamed[index] = true
                named.append(bucket.currency.index)
            }
            if let sum = sums[index].adding(bucket.value) { sums[index] = sum }
        }
        return true
    }

    private mutating func takeSums() -> [RegionMinute.CurrencyValue] {
        named.sort()
        let total = named.map { index in
            RegionMinute.CurrencyValue(
                currency: Currency(uncheckedIndex: index), value: sums[Int(index)])
        }
        for index in named {
            sums[Int(index)] = .zero
            isNamed[Int(index)] = false
        }
        named.removeAll(keepingCapacity: true)
        return total
    }
}
