import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Platform

/// A key of late money whose content was not written by an HQ.
struct DamagedLate: Hashable {
    var region: RegionID
    var field: String
    var key: String
}

/// Some minutes of one shard.
private struct ReadPiece {
    /// The shard's index in the question.
    var shard: Int
    var buckets: ArraySlice<Minute>
    var late: ArraySlice<Minute>

    /// The rest after some of it was read; nil if nothing remains.
    func rest(after buckets: Int, late lateCount: Int) -> ReadPiece? {
        let rest = ReadPiece(
            shard: shard, buckets: self.buckets.dropFirst(buckets), late: late.dropFirst(lateCount))
        return rest.buckets.isEmpty && rest.late.isEmpty ? nil : rest
    }
}

extension StoreConversation {
    /// Reads some shards of one region, each as if in one atomic step with its texts.
    ///
    /// Many hashes take several scripts. Every write of a shard changes its texts, so values read
    /// between two equal readings of them belong to one state. Otherwise the shard is read again.
    ///
    /// A shard is nil if its hashes hold anything that no HQ wrote: the minutes are then suspect,
    /// and the repair removes the damage.
    mutating func read(
        _ questions: [ShardQuestion], region: RegionID, deadline: Deadline
    ) throws(RedisStoreError) -> [ShardReading?] {
        let shards = try withListedMinutes(questions, deadline: deadline)
        let short = Self.batches(shards)
        for attempt in 0..<ScriptLimits.readAttempts {
            // Under constant writes only a single long script sees one consistent state.
            let isShort = attempt < ScriptLimits.shortReadAttempts
            let limit = isShort ? ScriptLimits.fieldsPerScript : Int.max
            var parts = ReadParts(shards: shards, region: region)
            for batch in isShort ? short : [short.flatMap(\.self)] {
                var rest = batch
                while !rest.isEmpty, parts.isConsistent {
                    rest = try read(
                        rest, of: shards, region: region, limit: limit, into: &parts,
                        deadline: deadline)
                }
            }
            guard parts.isConsistent else {
                counters.update { $0.casRetries += 1 }
                continue
            }
            suspects.add(parts.damaged)
            lateDamage.formUnion(parts.damagedLate)
            let found = parts.damaged.count + parts.damagedLate.count
            if found > 0 { counters.update { $0.damagedValues += found } }
            return parts.readings
        }
        throw RedisStoreError(.contended, doing: "reading shards")
    }

    /// Splits `shards` into pieces, and these into batches that one script can probably read.
    private static func batches(_ shards: [ShardQuestion]) -> [[ReadPiece]] {
        var batches: [[ReadPiece]] = [[]]
        var left = ScriptLimits.fieldsPerScript
        for (index, shard) in shards.enumerated() {
            var buckets = shard.minutes.buckets[...]
            var late = shard.minutes.late[...]
            repeat {
                if left == 0 {
                    batches.append([])
                    left = ScriptLimits.fieldsPerScript
                }
                let piece = ReadPiece(
                    shard: index, buckets: buckets.prefix(left),
                    late: late.prefix(max(0, left - buckets.count)))
                batches[batches.count - 1].append(piece)
                buckets = buckets.dropFirst(piece.buckets.count)
                late = late.dropFirst(piece.late.count)
                left -= piece.buckets.count + piece.late.count
            } while !buckets.isEmpty || !late.isEmpty
        }
        return batches
    }

    /// Reads as much as one script may, and returns the rest.
    private mutating func read(
        _ batch: [ReadPiece], of shards: [ShardQuestion], region: RegionID, limit: Int,
        into parts: inout ReadParts, deadline: Deadline
    ) throws(RedisStoreError) -> [ReadPiece] {
        var packed = MessagePack()
        packed.array(count: batch.count)
        for piece in batch {
            let shard = shards[piece.shard]
            packed.array(count: 5)
            packed.string(StoreKeys.field(shard.log, shard.partition))
            packed.string(StoreKeys.buckets(region, shard.log, shard.partition))
            packed.string(StoreKeys.late(region, shard.log, shard.partition))
            for minutes in [piece.buckets, piece.late] {
                packed.array(count: minutes.count)
                for minute in minutes { packed.decimal(Int64(minute.number)) }
            }
        }
        var command = RedisCommand(region.name)
        command.append(packed)
        command.append(String(limit))
        let doing = "reading shards"
        return try runReading(.readShards, command, deadline: deadline, doing: doing) {
            (reply) throws(RedisStoreError) -> [ReadPiece] in
            let answer = try reply.array(atLeast: batch.count, doing: doing)
            var rest: [ReadPiece] = []
            var isAnyRead = false
            for (index, piece) in batch.enumerated() {
                let part = try answer[index].array(atLeast: 6, doing: doing)
                parts.add(part, of: piece.shard)
                let buckets = max(0, Int(part[4].integer ?? 0))
                let late = max(0, Int(part[5].integer ?? 0))
                let left = piece.rest(after: buckets, late: late)
                isAnyRead = isAnyRead || left == nil || buckets + late > 0
                if let left { rest.append(left) }
            }
            guard isAnyRead else { throw RedisStoreError(.unexpectedReply, doing: doing) }
            return rest
        }
    }

    /// The questions with `beyond` replaced by the minutes that the store lists. A minute of the
    /// shard that is listed later also changes the shard's texts.
    private mutating func withListedMinutes(
        _ questions: [ShardQuestion], deadline: Deadline
    ) throws(RedisStoreError) -> [ShardQuestion] {
        guard questions.contains(where: { $0.minutes.beyond != nil }) else { return questions }
        let listed = try listedMinutes(deadline: deadline)
        return questions.map { question in
            guard let beyond = question.minutes.beyond else { return question }
            let added = listed.filter { $0 >= beyond }
            guard !added.isEmpty else { return question }
            var question = question
            question.minutes.buckets = Set(question.minutes.buckets).union(added).sorted()
            question.minutes.late = Set(question.minutes.late).union(added).sorted()
            return question
        }
    }

    /// The minutes that the store lists; none if the list's key has another type, which maintenance
    /// repairs.
    private mutating func listedMinutes(
        deadline: Deadline
    ) throws(RedisStoreError) -> [Minute] {
        do throws(RedisStoreError) {
            return try send(
                RedisCommand("ZRANGE", "changes", "0", "-1"), deadline: deadline,
                doing: "listing minutes"
            ) { $0.texts.compactMap { Int32($0).map { Minute($0) } } }
        } catch {
            guard case .server("WRONGTYPE") = error.code else { throw error }
            return []
        }
    }
}

/// The parts of some shards read so far.
private struct ReadParts {
    let shards: [ShardQuestion]
    let region: RegionID
    /// Nil if part of the shard is damaged.
    private(set) var readings: [ShardReading?]
    private(set) var damaged: [Minute] = []
    private(set) var damagedLate: [DamagedLate] = []
    /// True if each shard had the same texts in all its pieces.
    private(set) var isConsistent = true
    private var texts: [(watermark: String?, liveness: String?)?]

    init(shards: [ShardQuestion], region: RegionID) {
        self.shards = shards
        self.region = region
        readings = shards.map { _ in ShardReading() }
        texts = shards.map { _ in nil }
    }

    mutating func add(_ part: ReplyView, of index: Int) {
        let found = (watermark: part[0].text, liveness: part[1].text)
        if let before = texts[index] {
            if before != found { isConsistent = false }
        } else {
            texts[index] = found
        }
        var reading = readings[index] ?? ShardReading()
        (reading.watermark, reading.liveness) = found
        let buckets = Self.append(part[2], to: &reading.buckets)
        let late = Self.append(part[3], to: &reading.late)
        damaged += buckets
        let shard = shards[index]
        damagedLate += late.map { minute in
            DamagedLate(
                region: region, field: StoreKeys.field(shard.log, shard.partition),
                key: StoreKeys.late(region, shard.log, shard.partition) + String(minute.number))
        }
        let isSound = readings[index] != nil && buckets.isEmpty && late.isEmpty
        readings[index] = isSound ? reading : nil
    }

    /// Appends hashes that follow their minutes. Returns the minutes of damaged ones.
    private static func append(_ turns: ReplyView, to buckets: inout [Bucket]) -> [Minute] {
        var damaged: [Minute] = []
        for index in stride(from: 0, to: turns.count - 1, by: 2) {
            guard let number = BucketText.number(turns[index].bytes),
                let minute = Int32(exactly: number).map({ Minute($0) })
            else { continue }
            if !BucketText.append(turns[index + 1], minute: minute, to: &buckets) {
                damaged.append(minute)
            }
        }
        return damaged
    }
}
