import CivilTime
import DeltaProtocol
import Hashing
import Identifiers
import Money

/// Values over the whole range that a message can carry, sensible or not.
struct RandomMessages {
    var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &random) < percent
    }

    /// All magnitudes are equally likely, the extremes included.
    mutating func integer() -> Int64 {
        if chance(5) { return [.min, -1, 0, 1, .max].randomElement(using: &random)! }
        let bits = Int.random(in: 1...64, using: &random)
        return Int64(truncatingIfNeeded: random.next()) >> Int64(64 - bits)
    }

    mutating func offset() -> Int64 {
        Int64(random.next() >> UInt64.random(in: 2...63, using: &random))
    }

    mutating func minute() -> Minute {
        chance(10)
            ? Minute(Int32(truncatingIfNeeded: random.next()))
            : Minute(Int32.random(in: 29_456_000...29_457_500, using: &random))
    }

    mutating func time() -> UnixTime { UnixTime(milliseconds: integer()) }

    mutating func name() -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789-")
        let length = Int.random(in: 1...32, using: &random)
        return String((0..<length).map { _ in alphabet.randomElement(using: &random)! })
    }

    mutating func text(maximumBytes: Int) -> String {
        var text = ""
        while chance(90) {
            let next = ["a", "{", "}", "\"", "\\", "\n", "\u{0}", "é", "💶"].randomElement(
                using: &random)!
            if text.utf8.count + next.utf8.count > maximumBytes { break }
            text += next
        }
        return text
    }

    mutating func buckets() -> [Bucket] {
        guard chance(80) else { return [] }
        let corrected = chance(30)
        return (0..<Int.random(in: 0...40, using: &random)).map { _ in
            Bucket(
                minute: minute(), currency: Currency.all.randomElement(using: &random)!,
                value: BucketValue(
                    settled: integer(), transfers: integer(),
                    correction: corrected ? integer() : 0))
        }
    }

    mutating func counters() -> ShardCounters {
        var counters = ShardCounters()
        guard chance(80) else { return counters }
        counters.applied = Int64.random(in: 0...Limits.sumMagnitude, using: &random)
        counters.duplicate = Int64.random(in: 0...1_000_000, using: &random)
        counters.late = Int64.random(in: 0...1_000, using: &random)
        counters.rejected = Int64.random(in: 0...1_000, using: &random)
        counters.control = Int64.random(in: 0...1_000, using: &random)
        counters.conflicts = Int64.random(in: 0...1_000, using: &random)
        return counters
    }

    mutating func foldVersion() -> FoldVersion {
        FoldVersion(
            rules: UInt32(truncatingIfNeeded: random.next()),
            settings: UInt32(truncatingIfNeeded: random.next()), digest: random.next())
    }

    mutating func fingerprint() -> Fingerprint? {
        chance(50)
            ? Fingerprint(
                offset: offset(), timestamp: integer(),
                crc: UInt32(truncatingIfNeeded: random.next()))
            : nil
    }

    mutating func claims() -> Claims {
        Claims(
            valuesFrom: minute(), idsFrom: minute(),
            idsShortUntil: chance(50) ? minute() : Claims.always)
    }

    mutating func range() -> ClosedRange<Minute>? {
        guard chance(50) else { return nil }
        let (a, b) = (minute(), minute())
        return min(a, b)...max(a, b)
    }

    mutating func shard() -> ShardDelta {
        ShardDelta(
            log: LogID(name())!, partition: Int32(truncatingIfNeeded: integer()), base: offset(),
            coverage: offset(), claims: claims(), replaced: range(), seedWatermark: offset(),
            observedThrough: chance(50) ? time() : nil,
            marker: chance(50)
                ? LedgerMarker(
                    lsn: random.next(), system: text(maximumBytes: Limits.ledgerSystemBytes),
                    timeline: integer(), markedAt: time())
                : nil,
            fingerprint: fingerprint(),
            digest: range().map { minutes in
                .init(minutes: minutes, digest: ShardDigest(high: 5, low: UInt64(bitPattern: -7)))
            },
            counters: counters(), buckets: buckets(), late: buckets(), missed: buckets())
    }

    mutating func request() -> DeltaRequest {
        var counts: [LogID: Int32] = [:]
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            counts[LogID(name())!] = Int32.random(in: 1...1_024, using: &random)
        }
        return DeltaRequest(
            foldVersion: foldVersion(), region: RegionID(name())!,
            node: text(maximumBytes: Limits.nodeNameBytes), sentAt: time(),
            partitionCounts: counts,
            shards: (0..<Int.random(in: 0...5, using: &random)).map { _ in shard() },
            outcomes: (0..<Int.random(in: 0...3, using: &random)).map { _ in outcome() },
            commandsTaken: Int.random(in: 0...20, using: &random))
    }

    mutating func id() -> String { "c" + text(maximumBytes: Limits.commandIDBytes - 1) }

    mutating func outcome() -> CommandOutcome {
        CommandOutcome(
            command: id(),
            result: chance(50)
                ? .published(
                    partition: Int32.random(in: 0..<ShardID.maximumPartitions, using: &random),
                    offset: offset())
                : .failed(problem: text(maximumBytes: Limits.problemBytes)))
    }

    mutating func command() -> NodeCommand {
        let bound = Limits.sumMagnitude
        return NodeCommand(
            id: id(),
            kind: .publish(
                BucketCorrection(
                    currency: Currency.all.randomElement(using: &random)!, minute: minute(),
                    delta: Int64.random(in: -bound...bound, using: &random),
                    before: Int64.random(in: -bound...bound, using: &random),
                    reason: text(maximumBytes: Limits.reasonBytes),
                    requestedBy: text(maximumBytes: Limits.reasonBytes), issuedAt: time())))
    }

    mutating func reply() -> DeltaReply {
        let outcomes: [ShardOutcome] =
            [.committed, .repeat, .behind] + RefusalReason.allCases.map(ShardOutcome.refused)
        return DeltaReply(
            shards: (0..<Int.random(in: 0...20, using: &random)).map { _ in
                ShardReply(
                    log: LogID(name())!, partition: Int32(truncatingIfNeeded: integer()),
                    outcome: outcomes.randomElement(using: &random)!, watermark: offset(),
                    claims: chance(70) ? claims() : nil, fingerprint: fingerprint(), heal: range())
            }, serverTime: time(),
            commands: (0..<Int.random(in: 0...3, using: &random)).map { _ in command() })
    }

    mutating func statuses() -> ShardStatuses {
        let shards = (0..<Int.random(in: 0...5, using: &random)).map { _ in
            ShardStatus(
                log: LogID(name())!, partition: Int32(truncatingIfNeeded: integer()),
                watermark: offset(), claims: claims(), foldVersion: foldVersion(),
                fingerprint: fingerprint(),
                values: chance(50) ? .init(buckets: buckets(), late: buckets()) : nil)
        }
        return ShardStatuses(shards: shards, serverTime: time())
    }
}
