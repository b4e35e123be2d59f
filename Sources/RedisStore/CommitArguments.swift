import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money

extension StoreTopology {
    /// The generation and digest that the store must have for this HQ to write.
    var texts: [String] { [String(generation), digest] }
}

/// The arguments of the commit script, packed.
enum CommitArguments {
    static func make(
        region: RegionID, _ step: CommitStep, topology: StoreTopology?
    ) -> RedisCommand {
        var command = RedisCommand(StoreConversation.randomID(), region.name)
        var shards = MessagePack()
        shards.array(count: step.commits.count)
        for commit in step.commits {
            shards.array(count: 6)
            shards.string(StoreKeys.field(commit.shard.log, commit.shard.partition))
            shards.string(commit.expectedWatermark)
            shards.string(commit.expectedLiveness)
            shards.string(commit.watermark)
            shards.string(commit.liveness)
            shards.string(commit.isFilling ? ShardLiveness.filling : ShardLiveness.torn)
        }
        command.append(shards)
        var counts = MessagePack()
        counts.array(count: step.partitionCounts.count * 2)
        for entry in step.partitionCounts {
            counts.string(entry.log.name)
            counts.decimal(Int64(entry.count))
        }
        command.append(counts)
        command.append(StoreConversation.packed(topology.map(\.texts) ?? []))
        command.append(
            StoreConversation.packed(step.listedMinutes.map { String($0.number) }))

        for commit in step.commits {
            let shard = commit.shard
            let buckets = commit.changes.map {
                Bucket(minute: $0.minute, currency: $0.currency, value: $0.value)
            }
            appendHashes(
                buckets, prefix: StoreKeys.buckets(region, shard.log, shard.partition), &command)
            appendHashes(
                commit.late, prefix: StoreKeys.late(region, shard.log, shard.partition), &command)
        }
        appendSums(step.differences, &command)
        // Last, because only this part is not absolute: a retry after a failed script would add it
        // twice.
        for commit in step.commits {
            appendMissed(commit.missed, prefix: StoreKeys.missed(region), &command)
        }
        return command
    }

    /// Splits the elements into runs of equal minutes.
    private static func runs<Element>(
        _ elements: [Element], minute: (Element) -> Minute
    ) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        var start = 0
        while start < elements.count {
            var end = start + 1
            let first = minute(elements[start])
            while end < elements.count, minute(elements[end]) == first { end += 1 }
            runs.append(start..<end)
            start = end
        }
        return runs
    }

    /// Splits `runs` so that each packed argument stays small, about `bytesEach` per element.
    private static func arguments(
        _ runs: [Range<Int>], bytesEach: Int
    ) -> [ArraySlice<Range<Int>>] {
        let elementsMax = ScriptLimits.packedArgumentBytes / bytesEach
        var pieces: [ArraySlice<Range<Int>>] = []
        var start = 0
        var elements = 0
        for (index, run) in runs.enumerated() {
            if index > start, elements + run.count > elementsMax {
                pieces.append(runs[start..<index])
                start = index
                elements = 0
            }
            elements += run.count
        }
        if start < runs.count { pieces.append(runs[start...]) }
        return pieces
    }

    private static func appendHashes(
        _ buckets: [Bucket], prefix: String, _ command: inout RedisCommand
    ) {
        let letters = StoreConversation.letters
        let runs = runs(buckets, minute: \.minute)
        // A code, a value of about 16 digits and their headers.
        for piece in arguments(runs, bytesEach: 24) {
            var packed = MessagePack()
            packed.array(count: piece.count + 1)
            packed.string("hashes")
            for run in piece {
                let minute = buckets[run.lowerBound].minute
                var gone = 0
                for at in run where buckets[at].value.isZero { gone += 1 }
                packed.array(count: 4)
                packed.key(prefix, minute.number)
                packed.decimal(StoreRetention.expiry(of: minute))
                packed.array(count: (run.count - gone) * 2)
                for at in run where !buckets[at].value.isZero {
                    packed.letters(letters[Int(buckets[at].currency.index)])
                    packed.value(buckets[at].value)
                }
                packed.array(count: gone)
                for at in run where buckets[at].value.isZero {
                    packed.letters(letters[Int(buckets[at].currency.index)])
                }
            }
            command.append(packed)
        }
    }

    private static func appendMissed(
        _ buckets: [Bucket], prefix: String, _ command: inout RedisCommand
    ) {
        guard let minute = buckets.first?.minute else { return }
        let letters = StoreConversation.letters
        var packed = MessagePack()
        packed.array(count: 4)
        packed.string("missed")
        packed.key(prefix, minute.number)
        packed.decimal(StoreRetention.expiry(of: minute))
        packed.array(count: buckets.count * 3)
        for bucket in buckets {
            packed.letters(letters[Int(bucket.currency.index)])
            packed.decimal(bucket.value.settled)
            packed.decimal(bucket.value.transfers)
        }
        command.append(packed)
    }

    private static func appendSums(
        _ differences: [GlobalDifference], _ command: inout RedisCommand
    ) {
        let letters = StoreConversation.letters
        let runs = runs(differences, minute: \.minute)
        for piece in arguments(runs, bytesEach: 24) {
            var packed = MessagePack()
            packed.array(count: piece.count + 1)
            packed.string("sums")
            for run in piece {
                let minute = differences[run.lowerBound].minute
                packed.array(count: 3)
                packed.decimal(Int64(minute.number))
                packed.decimal(StoreRetention.expiry(of: minute))
                packed.array(count: run.count * 3)
                for at in run {
                    packed.letters(letters[Int(differences[at].currency.index)])
                    packed.decimal(differences[at].published)
                    packed.decimal(differences[at].transfers)
                }
            }
            command.append(packed)
        }
    }
}
