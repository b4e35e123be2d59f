import CivilTime
import DeltaProtocol
import Federation
import Identifiers

/// The write of one script, with the world's numbers instead of names.
struct StoreStep {
    /// By commit, the world's shard.
    var shards: [Int]
    var commits: [ShardCommit]
    var differences: [GlobalDifference]
    /// Logs of the world with the partition counts that the region reports.
    var partitionCounts: [(log: Int, count: Int32)] = []
    /// The topology that the store must have.
    var topology: StoreTopology?
    /// The minutes that it lists as changed.
    var listedMinutes: [Minute]
    /// True if it completes the commits.
    let isLast: Bool

    init(_ step: CommitStep, shape: WorldShape) {
        isLast = step.isLast
        shards = step.commits.compactMap { shape.number(of: $0.shard) }
        commits = step.commits
        differences = step.differences
        listedMinutes = step.listedMinutes
    }
}

enum CommitResult {
    case written
    /// A text differs from the one that the commit is based on: nothing is written.
    case conflict
    /// The store counts other logs, or other partitions of a log: nothing is written.
    case otherTopology
    /// The script ended midway; its writes remain.
    case failed
}

extension StoreModel {
    /// HQ's reading of one shard, in one atomic step.
    func reading(_ shard: Int, _ minutes: MinutesToRead) -> ShardReading {
        var minutes = minutes
        if let beyond = minutes.beyond {
            let listed = changes.minutes[changes.row(from: beyond.number)...].map { Minute($0) }
            minutes.buckets = Self.union(minutes.buckets, listed)
            minutes.late = Self.union(minutes.late, listed)
        }
        return ShardReading(
            watermark: texts[shard].watermark, liveness: texts[shard].liveness,
            buckets: buckets[shard].buckets(in: minutes.buckets, currencies: currencies),
            late: late[shard].buckets(in: minutes.late, currencies: currencies))
    }

    /// The union of two rising lists. Usually one ends before the other begins, so no set is
    /// needed.
    private static func union(_ minutes: [Minute], _ listed: [Minute]) -> [Minute] {
        guard let first = listed.first, let last = minutes.last, first <= last else {
            return minutes + listed
        }
        return Set(minutes).union(listed).sorted()
    }

    /// Runs the commit script: hashes, sums, version, changes, liveness, and watermarks last.
    ///
    /// If it fails, its writes remain. It marks the liveness texts, so that decisions based on
    /// earlier readings of these shards conflict, and lists the minutes for readers.
    ///
    /// - Parameter limit: the operation before which the script fails; nil for none.
    mutating func commit(_ step: StoreStep, failingAfter limit: Int?) -> CommitResult {
        if let own = step.topology, topology?.standing(of: own) != .current {
            return .otherTopology
        }
        for (log, count) in step.partitionCounts where partitionCounts[log] > 0 {
            guard partitionCounts[log] == count else { return .otherTopology }
        }
        for (shard, commit) in zip(step.shards, step.commits) {
            guard texts[shard].watermark == commit.expectedWatermark,
                texts[shard].liveness == commit.expectedLiveness
            else { return .conflict }
        }
        beginStep()
        if write(step, limit: limit ?? .max) { return .written }
        let mark = nextMark()
        for (shard, commit) in zip(step.shards, step.commits) {
            let text = commit.isFilling ? ShardLiveness.filling : ShardLiveness.torn
            set(texts[shard].with(liveness: "\(text) \(mark)"), of: shard)
        }
        advanceVersion()
        list(step.listedMinutes.map(\.number))
        return .failed
    }

    /// False if the script ends within.
    private mutating func write(_ step: StoreStep, limit: Int) -> Bool {
        var left = limit
        for (shard, commit) in zip(step.shards, step.commits) {
            guard writeHashes(shard, commit, left: &left) else { return false }
        }
        for difference in step.differences {
            guard let column = column(difference.currency) else { continue }
            left -= 1
            guard left > 0 else { return false }
            add(difference, column: column)
        }
        left -= 1
        guard left > 0 else { return false }
        advanceVersion()
        left -= step.listedMinutes.count
        guard left > 0 else { return false }
        list(step.listedMinutes.map(\.number))
        for (log, count) in step.partitionCounts { setPartitionCount(count, of: log) }
        for (shard, commit) in zip(step.shards, step.commits) {
            left -= 1
            guard left > 0 else { return false }
            set(texts[shard].with(liveness: commit.liveness), of: shard)
        }
        for (shard, commit) in zip(step.shards, step.commits) {
            left -= 1
            guard left > 0 else { return false }
            set(Texts(watermark: commit.watermark, liveness: commit.liveness), of: shard)
        }
        return true
    }

    /// False if the script ends within.
    private mutating func writeHashes(
        _ shard: Int, _ commit: ShardCommit, left: inout Int
    ) -> Bool {
        var minute: Minute?
        for change in commit.changes {
            if change.minute != minute {
                minute = change.minute
                left -= 1
                guard left > 0 else { return false }
            }
            guard let column = column(change.currency) else { continue }
            set(.buckets(shard), change.minute.number, column, change.value)
        }
        for bucket in commit.late {
            left -= 1
            guard left > 0 else { return false }
            guard let column = column(bucket.currency) else { continue }
            set(.late(shard), bucket.minute.number, column, bucket.value)
        }
        for bucket in commit.missed {
            guard let column = column(bucket.currency) else { continue }
            var sum = self[.missed(shard), bucket.minute.number, column]
            sum.settled += bucket.value.settled
            sum.transfers += bucket.value.transfers
            set(.missed(shard), bucket.minute.number, column, sum)
        }
        return true
    }

    private mutating func add(_ difference: GlobalDifference, column: Int) {
        var sum = sums[difference.minute.number, column]
        sum.settled += difference.published
        sum.transfers += difference.transfers
        set(.sums, difference.minute.number, column, sum)
    }

    /// The sums of one minute that differ from the totals of the shards, with the correct values.
    func wrongSums(minute: Int32) -> [(column: Int, right: BucketValue)] {
        var wrong: [(column: Int, right: BucketValue)] = []
        for column in currencies.indices {
            var right = BucketValue.zero
            for table in buckets {
                let value = table[minute, column]
                right.settled += value.published
                right.transfers += value.transfers
            }
            if sums[minute, column] != right { wrong.append((column, right)) }
        }
        return wrong
    }

    /// Sets the sums of minutes to the totals of the shards, lists the minutes, and drops
    /// watermarks of shards, in one step.
    mutating func repair(_ minutes: [Int32], dropping shards: [Int] = []) {
        beginStep()
        advanceVersion()
        for minute in minutes where minute >= firstMinute {
            for (column, right) in wrongSums(minute: minute) { set(.sums, minute, column, right) }
        }
        list(minutes.filter { $0 >= firstMinute })
        for shard in shards {
            set(Texts(watermark: nil, liveness: texts[shard].liveness), of: shard)
        }
    }

    /// The number of keys of each retained minute.
    func keyCounts(_ shape: WorldShape) -> [Minute: KeyCensus.Count] {
        var counts: [Minute: KeyCensus.Count] = [:]
        for minute in knownMinutes where minute >= firstMinute {
            let standing = currencies.indices.filter { !sums[minute, $0].isZero }.count
            let version = changes[minute, 0].settled
            counts[Minute(minute)] = KeyCensus.Count(
                version: version > 0 ? version : nil,
                hashes: shape.shardsOfRegion.map { shards in
                    Int64(shards.filter { !buckets[$0].isEmpty(minute: minute) }.count)
                }, published: Int64(standing), transfers: Int64(standing),
                accounts: Int64((late + missed).filter { !$0.isEmpty(minute: minute) }.count))
        }
        return counts
    }

    private var knownMinutes: Set<Int32> {
        Set(buckets.flatMap { $0.minutes }).union(sums.minutes).union(changes.minutes)
    }

    /// Compares the sums of `minutes`, or all, with their shards. If sums exceed the shards, or the
    /// key count shows it, hashes have vanished: shards without one in that minute lose their
    /// watermarks. Returns those shards.
    mutating func verify(
        _ minutes: [Int32]?, losses: [Minute: KeyCensus.Loss], shape: WorldShape
    ) -> [Int] {
        var repaired: [Int32] = []
        var dropped: Set<Int> = []
        for minute in (minutes.map { Set($0) } ?? knownMinutes).sorted()
        where minute >= firstMinute {
            let wrong = wrongSums(minute: minute)
            let isUnlisted = changes[minute, 0].isZero
            let standing = Set(buckets.indices.filter { !buckets[$0].isEmpty(minute: minute) })
            if !wrong.isEmpty || isUnlisted && !standing.isEmpty { repaired.append(minute) }
            let isShort = wrong.contains { column, right in
                let found = sums[minute, column]
                return found.settled > right.settled || found.transfers > right.transfers
            }
            let loss = losses[Minute(minute)]
            var regions = loss?.regions ?? []
            if !(loss?.isCertain ?? false) {
                let any = regions.isEmpty ? Set(shape.regions.indices) : regions
                regions = isShort ? any : []
            }
            for region in regions {
                dropped.formUnion(
                    shape.shardsOfRegion[region].filter {
                        (isShort || !standing.contains($0)) && texts[$0].watermark != nil
                    })
            }
        }
        guard !repaired.isEmpty || !dropped.isEmpty else { return [] }
        repair(repaired, dropping: dropped.sorted())
        return dropped.sorted()
    }
}
