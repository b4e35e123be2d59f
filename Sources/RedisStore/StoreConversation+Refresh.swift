import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money
import Platform

extension StoreConversation {
    /// The changes since `position`, or everything, as one consistent view.
    ///
    /// A few changed minutes are read in one step with all other facts. Many are read in chunks,
    /// followed by the changes since they were listed, until the last step is a small one: a minute
    /// that is not read again in it has not changed since the step before.
    ///
    /// A new connection may lead to another database, or to one that has lost its tail and grown
    /// past the version seen. Everything is then read: every retained minute, listed as changed or
    /// not.
    mutating func refresh(
        since position: StorePosition?, regions: [RegionID], deadline: Deadline
    ) throws(RedisStoreError) -> StoreRefresh {
        for _ in 0..<ScriptLimits.refreshConnections {
            try connect()
            try lookAtServerAgain()
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

    /// The store's present position.
    mutating func position(deadline: Deadline) throws(RedisStoreError) -> StorePosition {
        let doing = "asking for the version"
        return try send(
            RedisCommand("HMGET", "store", "id", "version"), deadline: deadline, doing: doing
        ) { (reply) throws(RedisStoreError) -> StorePosition in
            let answer = try reply.array(atLeast: 2, doing: doing)
            return StorePosition(
                storeID: answer[0].text ?? "", version: BucketText.number(answer[1].bytes) ?? 0)
        }
    }

    private mutating func refreshOnce(
        since position: StorePosition?, regions: [RegionID], deadline: Deadline
    ) throws(RedisStoreError) -> StoreRefresh {
        var since = position
        var isFull = false
        var changedAt: [Minute: Int64] = [:]
        var collected = MinuteCollection(regions: regions)
        for round in 1...ScriptLimits.refreshRounds {
            let isLast = round == ScriptLimits.refreshRounds
            let step = try step(
                since: since, limit: isLast ? Int.max : ScriptLimits.fieldsPerScript,
                collected: &collected, deadline: deadline)
            if step.isFull { isFull = true }
            // A different database than the one whose minutes were collected.
            let isRestart = step.isFull && since != nil && round > 1
            if isRestart {
                collected.keepOnly(step.changed)
                changedAt = [:]
            }
            changedAt.merge(step.changedAt) { _, new in new }
            if step.isComplete {
                counters.update { $0.damagedValues += collected.damaged }
                return StoreRefresh(
                    position: step.position, isFull: isFull,
                    minutes: collected.minutes(withEmpty: !isFull), standings: step.standings,
                    partitionCounts: step.partitionCounts, changedAt: isFull ? changedAt : [:],
                    retainedFrom: step.retainedFrom, mayEvict: mayEvict,
                    countedLogs: step.topology?.logs ?? [:], isTopologyOld: isOld(step.topology))
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
        /// The version of each listed minute.
        var changedAt: [Minute: Int64] = [:]
        var retainedFrom: Minute?
        var topology: StoredTopology?
        /// True if it includes the changed minutes.
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
            let answer = try reply.array(atLeast: 9, doing: doing)
            let topology = StoredTopology(fields: Self.pairs(answer[8]))
            var step = Step(
                position: StorePosition(
                    storeID: answer[0].text ?? "",
                    version: BucketText.number(answer[1].bytes) ?? 0),
                isFull: answer[2].integer == 1,
                changed: answer[4].texts.compactMap { Int32($0).map { Minute($0) } },
                isComplete: answer[5].isArray)
            step.topology = topology
            step.retainedFrom = answer[7].integer.flatMap { Int32(exactly: $0) }.map { Minute($0) }
            let listed = answer[6]
            for index in stride(from: 0, to: listed.count - 1, by: 2) {
                guard let number = BucketText.number(listed[index].bytes),
                    let minute = Int32(exactly: number).map({ Minute($0) }),
                    let version = BucketText.number(listed[index + 1].bytes)
                else { continue }
                step.changedAt[minute] = version
            }
            let facts = try answer[3].array(atLeast: regions.count, doing: doing)
            for (index, region) in regions.enumerated() {
                let parts = try facts[index].array(atLeast: 2, doing: doing)
                step.addFacts(of: region, watermarks: parts[0].texts, liveness: parts[1].texts)
            }
            if step.isComplete { collected.replace(step.changed, with: answer[5]) }
            return step
        }
    }

    /// True if the store counts logs by a later topology than this HQ's.
    private func isOld(_ stored: StoredTopology?) -> Bool {
        guard let own = configuration.topology, let stored else { return false }
        return stored.standing(of: own) == .older
    }

    private mutating func collect(
        _ minutes: [Minute], into collected: inout MinuteCollection, regions: [RegionID],
        deadline: Deadline
    ) throws(RedisStoreError) {
        var rest = minutes[...]
        let doing = "reading minutes"
        while !rest.isEmpty {
            let chunk = Array(rest.prefix(ScriptLimits.minutesPerRefresh))
            var command = RedisCommand()
            command.append(Self.packed(regions.map(\.name)))
            command.append(Self.packed(chunk.map { String($0.number) }))
            command.append(String(ScriptLimits.fieldsPerScript))
            let done = try runReading(.readMinutes, command, deadline: deadline, doing: doing) {
                (reply) throws(RedisStoreError) -> Int in
                let answer = try reply.array(atLeast: 2, doing: doing)
                guard let done = answer[1].integer.map({ Int($0) }), done > 0 else {
                    throw RedisStoreError(.unexpectedReply, doing: doing)
                }
                collected.replace(Array(chunk.prefix(done)), with: answer[0])
                return done
            }
            rest = rest.dropFirst(done)
        }
    }
}

extension StoreConversation.Step {
    /// Adds the facts of a region's two hashes; `watermarks` and `liveness` hold fields and values
    /// alternately.
    fileprivate mutating func addFacts(
        of region: RegionID, watermarks: [String], liveness: [String]
    ) {
        var facts: [String: String] = [:]
        for index in stride(from: 0, to: liveness.count - 1, by: 2) {
            facts[liveness[index]] = liveness[index + 1]
            if let log = LogID(liveness[index]), let count = Int32(liveness[index + 1]),
                (1...ShardID.maximumPartitions).contains(count)
            {
                partitionCounts[region, default: [:]][log] = count
            }
        }
        for index in stride(from: 0, to: watermarks.count - 1, by: 2) {
            guard let shard = StoreKeys.shard(region, field: watermarks[index]),
                let stored = StoredShard(text: watermarks[index + 1]),
                topology?.logs[region]?.contains(shard.log) ?? true
            else { continue }
            let text = facts[watermarks[index]]
            let live = text.flatMap { ShardLiveness(text: $0) }
            standings[shard] = ShardStanding(
                watermark: stored.watermark, claims: stored.claims,
                observedThrough: live?.observedThrough,
                receivedAt: live?.receivedAt ?? UnixTime(milliseconds: 0),
                node: live?.node ?? "", marker: live?.marker,
                counters: live?.counters ?? ShardCounters(),
                isTorn: text.map(ShardLiveness.isTorn) ?? false)
        }
    }
}

/// The minutes of a refresh, each whole, as last read.
struct MinuteCollection {
    let regions: [RegionID]
    /// Values per region, in the order of `regions`.
    private var values: [Minute: [[RegionMinute.CurrencyValue]]] = [:]
    /// Late and missed money, in the same layout as `values`; only minutes that have any.
    private var late: [Minute: [[RegionMinute.CurrencyValue]]] = [:]
    private var missed: [Minute: [[RegionMinute.CurrencyValue]]] = [:]
    /// Hashes that no HQ wrote; they are ignored in a refresh, and verification finds them.
    private(set) var damaged = 0
    /// Sums of one region's minute by currency index, and the currencies present.
    private var sums: [BucketValue]
    private var named: [UInt16] = []
    private var isNamed: [Bool]

    init(regions: [RegionID]) {
        self.regions = regions
        sums = Array(repeating: .zero, count: Currency.count)
        isNamed = Array(repeating: false, count: Currency.count)
    }

    /// Replaces `minutes` with `hashes`: the region's index (below 0 for late money), minute, field
    /// (empty for missed money) and hash repeatedly, grouped by region. Minutes without a hash
    /// become empty.
    mutating func replace(_ minutes: [Minute], with hashes: ReplyView) {
        let none = Array(repeating: [RegionMinute.CurrencyValue](), count: regions.count)
        for minute in minutes {
            values[minute] = none
            late[minute] = nil
            missed[minute] = nil
        }
        var buckets: [Bucket] = []
        var at = 0
        while at + 3 < hashes.count {
            let region = hashes[at].integer ?? 0
            let number = BucketText.number(hashes[at + 1].bytes)
            let isMissed = hashes[at + 2].bytes.isEmpty
            var found: [RegionMinute.CurrencyValue] = []
            if isMissed { found = Self.missed(hashes[at + 3]) }
            repeat {
                guard !isMissed else {
                    at += 4
                    break
                }
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
                && !hashes[at + 2].bytes.isEmpty
            if !isMissed { found = takeSums() }
            let place = region.magnitude
            guard let number, let minute = Int32(exactly: number).map({ Minute($0) }),
                place >= 1, place <= regions.count
            else { continue }
            if region > 0 {
                values[minute]?[Int(place) - 1] = found
            } else if values[minute] != nil, isMissed {
                missed[minute, default: none][Int(place) - 1] = found
            } else if values[minute] != nil {
                late[minute, default: none][Int(place) - 1] = found
            }
        }
    }

    /// Parses a region's missed money: field `EUR` is the sum, `EUR:transfers` the count.
    /// Unreadable fields are skipped, because no total depends on them.
    private static func missed(_ hash: ReplyView) -> [RegionMinute.CurrencyValue] {
        var values: [Currency: BucketValue] = [:]
        for index in stride(from: 0, to: hash.count - 1, by: 2) {
            guard let name = hash[index].text?.split(separator: ":"), let code = name.first,
                let currency = Currency(code: String(code)),
                let number = BucketText.number(hash[index + 1].bytes), number >= 0
            else { continue }
            if name.count == 1 {
                values[currency, default: .zero].settled = number
            } else {
                values[currency, default: .zero].transfers = number
            }
        }
        return values.sorted { $0.key < $1.key }.map { .init(currency: $0.key, value: $0.value) }
    }

    mutating func keepOnly(_ minutes: [Minute]) {
        let kept = Set(minutes)
        values = values.filter { kept.contains($0.key) }
        late = late.filter { kept.contains($0.key) }
        missed = missed.filter { kept.contains($0.key) }
    }

    /// By minute, then region; `withEmpty` includes minutes without a value.
    func minutes(withEmpty: Bool) -> [RegionMinute] {
        values.sorted { $0.key < $1.key }.flatMap { minute, perRegion in
            regions.indices.compactMap { place in
                let entry = RegionMinute(
                    region: regions[place], minute: minute, values: perRegion[place],
                    late: late[minute]?[place] ?? [], missed: missed[minute]?[place] ?? [])
                return entry.isEmpty && !withEmpty ? nil : entry
            }
        }
    }

    /// False, without adding anything, if a sum overflows `Int64`. Sums of values within the bounds
    /// never do, even over the maximum number of shards.
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
