import CivilTime
import DeltaProtocol
import Federation
import Topology

/// What one script writes, with the world's numbers in place of names.
struct StoreStep {
    /// By commit, the world's shard.
    var shards: [Int]
    var commits: [ShardCommit]
    var differences: [GlobalDifference]
    /// Logs of the world and how many partitions the region says they have.
    var partitionCounts: [(log: Int, count: Int32)] = []

    init(_ step: CommitStep, shape: WorldShape) {
        shards = step.commits.compactMap { shape.number(of: $0.shard) }
        commits = step.commits
        differences = step.differences
    }
}

enum CommitResult {
    case written
    /// A text is not the one that the commit rests on: nothing is written.
    case conflict
    /// The script ended in the middle; what it wrote stands.
    case failed
}

extension StoreModel {
    /// What HQ reads of one shard, in one atomic step.
    func reading(_ shard: Int, _ minutes: MinutesToRead) -> ShardReading {
        var wanted = minutes.buckets
        if let beyond = minutes.beyond {
            let last = wanted.last?.number ?? .min
            let listed = changes.minutes[changes.row(from: beyond.number)...].map { Minute($0) }
            wanted =
                listed.first.map { $0.number > last } ?? true
                ? wanted + listed : Set(wanted).union(listed).sorted()
        }
        return ShardReading(
            watermark: texts[shard].watermark, liveness: texts[shard].liveness,
            buckets: buckets[shard].buckets(in: wanted, currencies: currencies),
            late: late[shard].buckets(in: minutes.late, currencies: currencies))
    }

    /// Runs the commit script: hashes, sums, version, changes, liveness, and watermarks last.
    ///
    /// Where it fails, what it wrote stands; it says so in the liveness texts, which puts whoever
    /// has read these shards before into conflict, and lists the minutes for their readers.
    ///
    /// - Parameter limit: the operation before which the script fails; nil for none.
    mutating func commit(_ step: StoreStep, failingAfter limit: Int?) -> CommitResult {
        for (shard, commit) in zip(step.shards, step.commits) {
            guard texts[shard].watermark == commit.expectedWatermark,
                texts[shard].liveness == commit.expectedLiveness
            else { return .conflict }
        }
        beginStep()
        if write(step, limit: limit ?? .max) { return .written }
        let mark = nextMark()
        for shard in step.shards {
            set(texts[shard].with(liveness: "\(ShardLiveness.torn) \(mark)"), of: shard)
        }
        advanceVersion()
        for difference in step.differences { list(difference.minute.number) }
        return .failed
    }

    /// False where the script ends within.
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
        var last: Minute?
        for difference in step.differences where difference.minute != last {
            last = difference.minute
            left -= 1
            guard left > 0 else { return false }
            list(difference.minute.number)
        }
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

    /// False where the script ends within.
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
        return true
    }

    private mutating func add(_ difference: GlobalDifference, column: Int) {
        var sum = sums[difference.minute.number, column]
        sum.settled += difference.published
        sum.transfers += difference.transfers
        set(.sums, difference.minute.number, column, sum)
    }

    /// The sums of one minute that are not what the shards add up to, with what they must be.
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

    /// Sets the sums of minutes that a failed script touched to what the shards add up to.
    mutating func repair(_ minutes: [Int32]) {
        beginStep()
        advanceVersion()
        for minute in minutes where minute >= firstMinute {
            for (column, right) in wrongSums(minute: minute) { set(.sums, minute, column, right) }
            list(minute)
        }
    }

    /// Compares all sums with their shards. A sum that differs without a known cause tells of lost
    /// keys: the shards without a hash in that minute lose their watermarks. Answers those.
    mutating func verify() -> [Int] {
        var wrong: [Int32] = []
        for minute in sums.minutes where !wrongSums(minute: minute).isEmpty {
            wrong.append(minute)
        }
        for table in buckets {
            for minute in table.minutes where !wrongSums(minute: minute).isEmpty {
                wrong.append(minute)
            }
        }
        guard !wrong.isEmpty else { return [] }
        repair(wrong)
        var dropped: [Int] = []
        for shard in texts.indices where texts[shard].watermark != nil {
            guard wrong.contains(where: { buckets[shard].isEmpty(minute: $0) }) else { continue }
            dropWatermark(shard)
            dropped.append(shard)
        }
        return dropped
    }
}
