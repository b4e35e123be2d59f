import CivilTime
import Federation
import Logging
import Topology

extension StoreConversation {
    /// Why sums are compared with their shards.
    enum RepairCause {
        /// A script failed there: hashes are what they are, and their readers must be told.
        case failedScript
        /// Nothing is known to have failed, so what differs has vanished or was changed by others.
        case verification
    }

    struct RepairResult: Sendable {
        var minutes = 0
        var keys = 0
        var droppedWatermarks = 0
    }

    /// Makes the sums of all suspect minutes right again; nothing to do where there are none.
    mutating func repairSuspects(deadline: Deadline) throws(RedisStoreError) {
        try removeLateDamage(deadline: deadline)
        guard !suspects.isEmpty else { return }
        let minutes = suspects.sorted()
        var start = 0
        while start < minutes.count {
            let end = min(start + ScriptLimits.minutesPerSurvey, minutes.count)
            let chunk = Array(minutes[start..<end])
            let result = try repair(chunk, cause: .failedScript, deadline: deadline)
            suspects.subtract(chunk)
            counters.update { $0.repairs += result.minutes }
            start = end
        }
    }

    /// Compares the sums of at most `minutesPerSurvey` minutes with their shards and sets right
    /// what differs, in one step that rests on the very state compared.
    mutating func repair(
        _ minutes: [Minute], cause: RepairCause, deadline: Deadline
    ) throws(RedisStoreError) -> RepairResult {
        for _ in 0..<ScriptLimits.repairAttempts {
            let survey = try survey(minutes, deadline: deadline)
            let plan = RepairPlan(survey, cause: cause, regions: configuration.regions)
            var result = RepairResult(minutes: plan.comparedMinutes)
            guard !plan.isEmpty else { return result }
            guard let dropped = try apply(plan, deadline: deadline) else { continue }
            result.keys = plan.sums.count
            result.droppedWatermarks = dropped
            counters.update { counters in
                counters.repairedKeys += plan.sums.count
                counters.droppedWatermarks += dropped
                counters.damagedValues += plan.removals.count
            }
            if !plan.sums.isEmpty || dropped > 0 {
                logger.warning(
                    "set sums of the store right",
                    metadata: ["keys": "\(plan.sums.count)", "dropped_watermarks": "\(dropped)"])
            }
            return result
        }
        throw RedisStoreError(.contended, doing: "repairing sums")
    }

    private mutating func survey(
        _ minutes: [Minute], deadline: Deadline
    ) throws(RedisStoreError) -> Survey {
        let regions = configuration.regions
        var command = RedisCommand()
        command.append(Self.packed(regions.map(\.name)))
        command.append(Self.packed(minutes.map { String($0.number) }))
        command.append(Self.packed(Self.codes))
        let doing = "comparing sums with shards"
        return try runReading(.survey, command, deadline: deadline, doing: doing) {
            (reply) throws(RedisStoreError) -> Survey in
            try Survey(reply, regions: regions.count, minutes: minutes, doing: doing)
        }
    }

    /// How many watermarks were dropped; nil where the store has changed since the survey.
    private mutating func apply(
        _ plan: RepairPlan, deadline: Deadline
    ) throws(RedisStoreError) -> Int? {
        var command = RedisCommand(Self.randomID())
        var expected = MessagePack()
        expected.array(count: 2)
        expected.string(plan.storeID)
        expected.string(plan.version)
        command.append(expected)
        command.append(
            Self.packed(plan.sums.flatMap { [$0.key, String($0.value), String($0.expiry)] }))
        command.append(Self.packed(plan.removals))
        command.append(Self.packed(plan.listed.map { String($0.number) }))
        command.append(Self.packed(plan.drops.flatMap { [$0.region.name, $0.field] }))
        let doing = "setting sums right"
        return try run(.repair, command, deadline: deadline, doing: doing) {
            (reply) throws(RedisStoreError) -> Int? in
            let answer = try reply.array(atLeast: 1, doing: doing)
            guard answer[0].text == "written" else { return nil }
            return answer.count > 1 ? answer[1].integer.map { Int($0) } ?? 0 : 0
        }
    }

    /// The watermark goes first: should the second step fail, the shard is filled anew all the
    /// same, and the damage is found again.
    private mutating func removeLateDamage(deadline: Deadline) throws(RedisStoreError) {
        for damage in lateDamage.sorted(by: { $0.key < $1.key }) {
            let doing = "removing damaged late money"
            let watermarks = StoreKeys.watermarks(damage.region)
            let dropped = try send(
                RedisCommand("HDEL", watermarks, damage.field), deadline: deadline, doing: doing
            ) { $0.integer ?? 0 }
            try send(RedisCommand("DEL", damage.key), deadline: deadline, doing: doing) { _ in }
            lateDamage.remove(damage)
            counters.update { $0.droppedWatermarks += Int(dropped) }
        }
    }

    static func packed(_ texts: [String]) -> MessagePack {
        var packed = MessagePack()
        packed.strings(texts)
        return packed
    }
}

/// What sets the minutes of a survey right.
struct RepairPlan {
    struct Sum {
        var key: String
        var value: Int64
        var expiry: Int64
    }

    struct Drop: Hashable {
        var region: RegionID
        var field: String
    }

    var storeID: String?
    var version: String?
    /// Sums to set.
    var sums: [Sum] = []
    /// Keys to remove, which hold what no HQ wrote.
    var removals: [String] = []
    /// Minutes that readers must read again.
    var listed: [Minute] = []
    /// Watermarks to drop, so that the regions fill their shards anew.
    var drops: [Drop] = []
    /// Minutes whose keys have not expired.
    var comparedMinutes = 0

    var isEmpty: Bool { sums.isEmpty && removals.isEmpty && listed.isEmpty && drops.isEmpty }

    init(_ survey: Survey, cause: StoreConversation.RepairCause, regions: [RegionID]) {
        storeID = survey.storeID
        version = survey.version
        var places: Set<Survey.ShardPlace> = []
        for minute in survey.minutes {
            // What has expired is missing by right.
            let expiry = StoreRetention.expiry(of: minute.minute)
            guard expiry > survey.serverSeconds else { continue }
            comparedMinutes += 1
            let wrong = minute.wrongCurrencies
            for currency in wrong {
                let tail = "\(StoreConversation.codes[currency]):\(minute.minute.number)"
                sums.append(
                    Sum(
                        key: "metric:\(tail)", value: minute.expectedPublished[currency] ?? 0,
                        expiry: expiry))
                sums.append(
                    Sum(
                        key: "transfers:\(tail)", value: minute.expectedTransfers[currency] ?? 0,
                        expiry: expiry))
            }
            for place in minute.damaged.sorted() {
                removals.append(
                    StoreKeys.buckets(
                        regions[place.region], field: place.field, minute: minute.minute))
            }
            places.formUnion(minute.damaged)
            let isSuspicious = !wrong.isEmpty || minute.hasLostAllSums
            let isUnlisted = !minute.isListed && !minute.standing.isEmpty
            switch cause {
            case .failedScript:
                listed.append(minute.minute)
            case .verification:
                if isSuspicious || isUnlisted || !minute.damaged.isEmpty {
                    listed.append(minute.minute)
                }
                // A sum that differs without a failed script tells of keys that went, so a shard
                // without a hash there may have lost it.
                guard isSuspicious else { continue }
                for (region, fields) in survey.fields.enumerated() {
                    for field in fields {
                        let place = Survey.ShardPlace(region: region, field: field)
                        if !minute.standing.contains(place) { places.insert(place) }
                    }
                }
            }
        }
        drops = places.sorted().map { Drop(region: regions[$0.region], field: $0.field) }
    }
}
