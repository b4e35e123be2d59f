import CivilTime
import DeltaProtocol
import Federation
import Hashing
import Money
import Testing

/// After every commit, for any order of deltas, HQ's buckets of a shard equal the fold of its log
/// up to the watermark. The test recomputes the fold naively from the records.
@Suite struct ShardMergePropertyTests {
    /// One record of the generated log: it adds to one bucket, or removes what it added before.
    struct Record {
        var key: Key
        var settled: Int64
        var transfers: Int64
        var correction: Int64
    }

    struct Key: Hashable {
        var minute: Minute
        var currency: Currency
    }

    struct World {
        var random: SplitMix64
        var log: [Record] = []
        var stored: String?
        var liveness: String?
        var shard: [Key: BucketValue] = [:]
        var sums: [Key: BucketValue] = [:]
        var outcomes: [String: Int] = [:]

        func fold(_ coverage: Int64) -> [Key: BucketValue] {
            var state: [Key: BucketValue] = [:]
            for record in log[..<Int(coverage)] {
                var value = state[record.key] ?? .zero
                value.settled += record.settled
                value.transfers += record.transfers
                value.correction += record.correction
                state[record.key] = value
            }
            return state.filter { !$0.value.isZero }
        }

        /// The delta of a node that has folded `coverage` records.
        func delta(base: Int64, coverage: Int64) -> ShardDelta {
            let state = fold(coverage)
            let changed =
                base == 0
                ? Set(state.keys)
                : Set(log[Int(min(base, coverage))..<Int(coverage)].map(\.key))
            let buckets = changed.map {
                Bucket(minute: $0.minute, currency: $0.currency, value: state[$0] ?? .zero)
            }.sorted { Bucket.precedes($0, $1) }
            return Merge.delta(base: base, coverage: coverage, buckets: buckets)
        }

        mutating func append() {
            let currencies = [Merge.usd, Merge.eur, Merge.jpy]
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                let key = Key(
                    minute: Merge.minute(.random(in: 0...9, using: &random)),
                    currency: currencies.randomElement(using: &random) ?? Merge.usd)
                if let back = log.last(where: { $0.key == key }), Bool.random(using: &random) {
                    log.append(
                        Record(
                            key: key, settled: -back.settled, transfers: -back.transfers,
                            correction: -back.correction))
                } else {
                    log.append(
                        Record(
                            key: key, settled: .random(in: 1...(1 << 40), using: &random),
                            transfers: 1, correction: .random(in: -3...3, using: &random)))
                }
            }
        }

        mutating func push(_ delta: ShardDelta) {
            let minutes = ShardMerge.minutesToRead(delta, context: Merge.context())
            let wanted = Set(minutes.buckets)
            let old = shard.filter { wanted.contains($0.key.minute) }.map {
                Bucket(minute: $0.key.minute, currency: $0.key.currency, value: $0.value)
            }.sorted { Bucket.precedes($0, $1) }
            let decision = ShardMerge.decide(
                delta, reading: ShardReading(watermark: stored, liveness: liveness, buckets: old),
                context: Merge.context())
            outcomes["\(decision.reply.outcome)", default: 0] += 1
            guard let commit = decision.commit else { return }
            for change in commit.changes {
                let key = Key(minute: change.minute, currency: change.currency)
                shard[key] = change.value.isZero ? nil : change.value
                var sum = sums[key] ?? .zero
                sum.settled += change.published
                sum.transfers += change.transfers
                sums[key] = sum
            }
            stored = commit.watermark
            liveness = commit.liveness
        }
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `buckets equal the fold at the watermark after every push`(seed: UInt64) throws {
        var world = World(random: SplitMix64(seed: seed))
        var delayed: [ShardDelta] = []
        for step in 0..<80 {
            world.append()
            let end = Int64(world.log.count)
            let watermark = world.stored.flatMap { StoredShard(text: $0) }?.watermark ?? 0
            let coverage = Int64.random(in: 0...end, using: &world.random)
            let base =
                [0, watermark, Int64.random(in: 0...coverage, using: &world.random), watermark]
                .map { min($0, coverage) }.randomElement(using: &world.random) ?? 0
            let made = world.delta(base: base, coverage: coverage)
            if Int.random(in: 0..<4, using: &world.random) == 0 { delayed.append(made) }
            if Int.random(in: 0..<25, using: &world.random) == 0 {
                // The store loses the watermark, and perhaps some of the buckets: base 0 heals it.
                world.stored = nil
                if Bool.random(using: &world.random) {
                    world.shard = [:]
                    world.sums = [:]
                }
            }
            world.push(made)
            if !delayed.isEmpty, Int.random(in: 0..<3, using: &world.random) == 0 {
                world.push(delayed.remove(at: .random(in: 0..<delayed.count, using: &world.random)))
            }
            guard let stored = world.stored.flatMap({ StoredShard(text: $0) }) else { continue }
            let expected = world.fold(stored.watermark)
            try #require(world.shard == expected, "seed \(seed), step \(step)")
            for (key, sum) in world.sums {
                let value = expected[key] ?? .zero
                try #require(sum.settled == value.published, "seed \(seed), step \(step)")
                try #require(sum.transfers == value.transfers, "seed \(seed), step \(step)")
            }
        }
        #expect(world.outcomes["committed", default: 0] > 5, "seed \(seed)")
        #expect(world.outcomes["repeat", default: 0] > 0, "seed \(seed)")
    }
}
