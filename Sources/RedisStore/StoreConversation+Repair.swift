import CivilTime
import Federation
import Identifiers
import Logging
import Platform

extension StoreConversation {
    /// The reason for comparing sums with their shards.
    enum RepairCause {
        /// A script failed there: the hashes are authoritative, and readers must be notified.
        case failedScript
        /// No failure is known, so differences mean that keys vanished or were changed by others.
        /// `losses`: losses found by counting keys.
        case verification(losses: [Minute: KeyCensus.Loss])
        /// Watermarks were dropped and their shards are about to be refilled. The refill adds
        /// differences to sums that must include the present hashes.
        case refill
    }

    struct RepairResult: Sendable {
        var minutes = 0
        var keys = 0
        var droppedWatermarks = 0
    }

    /// Repairs the sums of all suspect minutes, if there are any.
    mutating func repairSuspects(deadline: Deadline) throws(RedisStoreError) {
        try removeLateDamage(deadline: deadline)
        guard !suspects.isEmpty else { return }
        let minutes = suspects.minutes.sorted()
        var start = 0
        while start < minutes.count {
            let end = min(start + ScriptLimits.minutesPerSurvey, minutes.count)
            let chunk = Array(minutes[start..<end])
            let result = try repair(chunk, cause: .failedScript, deadline: deadline)
            suspects.wereRepaired(chunk)
            counters.update { $0.repairs += result.minutes }
            start = end
        }
    }

    /// Compares the sums of at most `minutesPerSurvey` minutes with their shards and corrects
    /// differences, in steps that each apply only to the very state compared.
    mutating func repair(
        _ minutes: [Minute], cause: RepairCause, deadline: Deadline
    ) throws(RedisStoreError) -> RepairResult {
        var whole = RepairResult()
        var rest = minutes[...]
        while !rest.isEmpty {
            let part = try repairSome(Array(rest), cause: cause, deadline: deadline)
            whole.minutes += part.result.minutes
            whole.keys += part.result.keys
            whole.droppedWatermarks += part.result.droppedWatermarks
            rest = rest.dropFirst(part.surveyed)
        }
        return whole
    }

    /// Like `repair`, for as many of the first minutes as one step takes.
    private mutating func repairSome(
        _ minutes: [Minute], cause: RepairCause, deadline: Deadline
    ) throws(RedisStoreError) -> (result: RepairResult, surveyed: Int) {
        for _ in 0..<ScriptLimits.repairAttempts {
            let survey = try survey(minutes, deadline: deadline)
            let plan = RepairPlan(survey, cause: cause, configuration: configuration)
            var result = RepairResult(minutes: plan.comparedMinutes)
            guard !plan.isEmpty else { return (result, survey.minutes.count) }
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
                    "corrected sums in the store",
                    metadata: ["keys": "\(plan.sums.count)", "dropped_watermarks": "\(dropped)"])
            }
            return (result, survey.minutes.count)
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
        command.append(String(ScriptLimits.fieldsPerScript))
        let doing = "comparing sums with shards"
        return try runReading(.survey, command, deadline: deadline, doing: doing) {
            (reply) throws(RedisStoreError) -> Survey in
            try Survey(reply, regions: regions.count, minutes: minutes, doing: doing)
        }
    }

    /// The number of dropped watermarks; nil if the store has changed since the survey.
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
        command.append(Self.packed(plan.unlisted.map { String($0.number) }))
        command.append(Self.packed(configuration.topology?.texts ?? []))
        let doing = "correcting sums"
        return try run(.repair, command, deadline: deadline, doing: doing) {
            (reply) throws(RedisStoreError) -> Int? in
            let answer = try reply.array(atLeast: 1, doing: doing)
            if answer[0].text == "topology" {
                throw RedisStoreError(.topologyOld(stored: 0), doing: doing)
            }
            guard answer[0].text == "written" else { return nil }
            return answer.count > 1 ? answer[1].integer.map { Int($0) } ?? 0 : 0
        }
    }

    /// The watermark goes first: even if the second step fails, the shard is refilled, and the
    /// damage is found again.
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

/// The corrections for the minutes of a survey.
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
    /// Keys to remove, whose content no HQ wrote.
    var removals: [String] = []
    /// Minutes that readers must read again.
    var listed: [Minute] = []
    /// Minutes to remove from the list of changes: nothing is left to read or check.
    var unlisted: [Minute] = []
    /// Watermarks to drop, so that the regions refill their shards.
    var drops: [Drop] = []
    /// Minutes whose keys have not expired.
    var comparedMinutes = 0

    var isEmpty: Bool {
        sums.isEmpty && removals.isEmpty && listed.isEmpty && unlisted.isEmpty && drops.isEmpty
    }

    init(
        _ survey: Survey, cause: StoreConversation.RepairCause,
        configuration: RedisStoreConfiguration
    ) {
        let regions = configuration.regions
        storeID = survey.storeID
        version = survey.version
        var places: Set<Survey.ShardPlace> = []
        for minute in survey.minutes {
            // Expired keys are missing legitimately.
            let expiry = StoreRetention.expiry(of: minute.minute)
            guard expiry > survey.serverSeconds else { continue }
            comparedMinutes += 1
            let wrong = minute.wrongCurrencies
            setSums(of: minute, wrong, expiry: expiry)
            for place in minute.damaged.sorted() {
                removals.append(
                    StoreKeys.buckets(
                        regions[place.region], field: place.field, minute: minute.minute))
            }
            places.formUnion(minute.damaged)
            if case .verification(let losses) = cause {
                places.formUnion(Self.lost(minute, losses, survey, configuration))
            }
            note(minute, isWrong: !wrong.isEmpty || !minute.damaged.isEmpty, cause)
        }
        drops = places.sorted().map { Drop(region: regions[$0.region], field: $0.field) }
    }

    /// Decides whether to list the minute for readers; `isWrong` if part of it is corrected.
    private mutating func note(
        _ minute: Survey.MinuteSurvey, isWrong: Bool, _ cause: StoreConversation.RepairCause
    ) {
        guard !minute.isBare else {
            // Either a script that failed before it wrote has listed the minute, or all its keys
            // have gone. In the latter case readers keep their values, and the commit that refills
            // the minute lists it. A refill knows only one region.
            if case .refill = cause { return }
            if minute.isListed, !minute.hasAccounts { unlisted.append(minute.minute) }
            return
        }
        let isUnlisted = !minute.isListed && !minute.standing.isEmpty
        let isSuspect = if case .failedScript = cause { true } else { false }
        if isSuspect || isWrong || isUnlisted { listed.append(minute.minute) }
    }

    private mutating func setSums(
        of minute: Survey.MinuteSurvey, _ currencies: [Int], expiry: Int64
    ) {
        for currency in currencies {
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
    }

    /// The shards that may have lost their hash in a minute: those without one, in the regions
    /// where hashes are missing. If the sums exceed the shards, it may be any shard, even one with
    /// a hash: a commit may have written a new hash after the loss.
    private static func lost(
        _ minute: Survey.MinuteSurvey, _ losses: [Minute: KeyCensus.Loss], _ survey: Survey,
        _ configuration: RedisStoreConfiguration
    ) -> Set<Survey.ShardPlace> {
        let isBare = minute.isListed && minute.isBare && !minute.hasAccounts
        let isShort = minute.tellsOfLostHashes || isBare
        let loss = losses[minute.minute]
        var regions = loss?.regions ?? []
        if !(loss?.isCertain ?? false) {
            let any = regions.isEmpty ? Set(survey.fields.indices) : regions
            regions = isShort ? any : []
        }
        var places: Set<Survey.ShardPlace> = []
        for region in regions where survey.fields.indices.contains(region) {
            let id = configuration.regions[region]
            for field in survey.fields[region] {
                let place = Survey.ShardPlace(region: region, field: field)
                guard minute.tellsOfLostHashes || !minute.standing.contains(place),
                    let shard = StoreKeys.shard(id, field: field), configuration.isRead(shard)
                else { continue }
                places.insert(place)
            }
        }
        return places
    }
}
