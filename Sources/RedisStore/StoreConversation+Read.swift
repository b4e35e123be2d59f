import CivilTime
import DeltaProtocol
import Federation
import Topology

/// A key of late money that holds something no HQ wrote.
struct DamagedLate: Hashable {
    var region: RegionID
    var field: String
    var key: String
}

extension StoreConversation {
    /// What stands of some shards of one region, all in one atomic step.
    ///
    /// A shard is nil where something stands in its hashes that no HQ wrote: the minutes are
    /// suspect then, and the repair takes the damage out.
    mutating func read(
        _ questions: [ShardQuestion], region: RegionID, deadline: Deadline
    ) throws(RedisStoreError) -> [ShardReading?] {
        let shards = try withListedMinutes(questions, deadline: deadline)
        var packed = MessagePack()
        packed.array(count: shards.count)
        for shard in shards {
            packed.array(count: 5)
            packed.string(StoreKeys.field(shard.log, shard.partition))
            packed.string(StoreKeys.buckets(region, shard.log, shard.partition))
            packed.string(StoreKeys.late(region, shard.log, shard.partition))
            for minutes in [shard.minutes.buckets, shard.minutes.late] {
                packed.array(count: minutes.count)
                for minute in minutes { packed.decimal(Int64(minute.number)) }
            }
        }
        var command = RedisCommand(region.name)
        command.append(packed)
        let doing = "reading shards"
        var damaged: [Minute] = []
        var damagedLate: [DamagedLate] = []
        let readings = try runReading(.readShards, command, deadline: deadline, doing: doing) {
            (reply) throws(RedisStoreError) -> [ShardReading?] in
            let answer = try reply.array(atLeast: shards.count, doing: doing)
            var readings: [ShardReading?] = []
            for index in shards.indices {
                let part = try answer[index].array(atLeast: 4, doing: doing)
                var reading = ShardReading(watermark: part[0].text, liveness: part[1].text)
                let buckets = Self.append(part[2], to: &reading.buckets)
                let late = Self.append(part[3], to: &reading.late)
                damaged += buckets
                let shard = shards[index]
                damagedLate += late.map { minute in
                    DamagedLate(
                        region: region, field: StoreKeys.field(shard.log, shard.partition),
                        key: StoreKeys.late(region, shard.log, shard.partition)
                            + String(minute.number))
                }
                readings.append(buckets.isEmpty && late.isEmpty ? reading : nil)
            }
            return readings
        }
        suspects.add(damaged)
        lateDamage.formUnion(damagedLate)
        let found = damaged.count + damagedLate.count
        if found > 0 { counters.update { $0.damagedValues += found } }
        return readings
    }

    /// The questions with the minutes that the store lists in place of `beyond`. One that is listed
    /// later changes the shard's texts with it, if it is the shard's.
    private mutating func withListedMinutes(
        _ questions: [ShardQuestion], deadline: Deadline
    ) throws(RedisStoreError) -> [ShardQuestion] {
        guard questions.contains(where: { $0.minutes.beyond != nil }) else { return questions }
        let listed = try listedMinutes(deadline: deadline)
        return questions.map { question in
            guard let beyond = question.minutes.beyond else { return question }
            let known = Set(question.minutes.buckets)
            let added = Set(listed.filter { $0 >= beyond }).subtracting(known)
            var question = question
            if !added.isEmpty {
                question.minutes.buckets = known.union(added).sorted()
            }
            return question
        }
    }

    /// The minutes that the store lists; none where something else has taken the list's place,
    /// which the maintenance sets right.
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

    /// Appends hashes that follow their minutes; answers the minutes of damaged ones.
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
