import Aggregation
import CivilTime
import DeltaProtocol
import Pacing

/// From the group's assignment to a folding shard.
///
/// A shard joins once the log and the HQs have answered: HQ's fingerprint reveals a recreated
/// topic, its values replace what retention removed, and its clock decides which minutes the state
/// holds. A node that reaches no HQ waits, which costs nothing, because it could not push either.
extension RegionNode {
    /// How long a shard that is ready to start waits for the others, in milliseconds: starting
    /// several at once avoids restarting their fetches. A shard that cannot start must not delay
    /// the rest.
    private static let startTogetherMilliseconds: Int64 = 2_000

    /// The partitions of shards that wait to start.
    var joiningPartitions: [Int32] {
        shards.keys.sorted().filter { shards[$0]?.joining != nil }
    }

    /// Asks for missing answers, and starts the shards that have all of theirs.
    mutating func join(_ now: UnixTime, _ actions: inout [RegionAction]) {
        let partitions = joiningPartitions
        askStatuses(partitions, now, &actions)
        guard !partitions.isEmpty else { return }
        for partition in partitions { askFacts(partition, now, &actions) }
        var ready: [Int32] = []
        var isDue = false
        for partition in partitions {
            guard var joining = shards[partition]?.joining else { continue }
            joining.beganAt = min(joining.beganAt ?? now, now)
            let isReady = isReady(joining, now)
            joining.readyAt = isReady ? min(joining.readyAt ?? now, now) : nil
            shards[partition]?.stage = .joining(joining)
            guard let since = joining.readyAt else { continue }
            ready.append(partition)
            isDue = isDue || since + Self.startTogetherMilliseconds <= now
        }
        guard !ready.isEmpty, isDue || ready.count == partitions.count else { return }
        for partition in ready { start(partition, now, &actions) }
    }

    /// True if the log has answered, and each HQ that the shard waits for.
    private func isReady(_ joining: Joining, _ now: UnixTime) -> Bool {
        guard joining.facts != nil else { return false }
        if let seeding = joining.seeding {
            return seeding.since + settings.headquartersMilliseconds <= now
        }
        if joining.statuses.allSatisfy(\.isKnown) { return true }
        return joining.statuses.contains(where: \.isKnown)
            && joining.beganAt.map { $0 + settings.headquartersMilliseconds <= now } ?? false
    }

    // MARK: - The log's answers

    private func terms(_ now: UnixTime) -> ShardJoin.Terms {
        ShardJoin.Terms(
            floor: floor(now), disorderMilliseconds: settings.disorderMilliseconds,
            isContinuing: settings.fold.continuingLogs.contains(settings.log),
            version: settings.fold.version, now: latestPresent(now))
    }

    private mutating func askFacts(
        _ partition: Int32, _ now: UnixTime, _ actions: inout [RegionAction]
    ) {
        // How far back to read depends on an HQ's clock.
        guard isHeard, var joining = shards[partition]?.joining, joining.facts == nil,
            joining.factsQuestion == nil
        else { return }
        if let failed = joining.factsFailedAt, failed <= now,
            failed + Self.askAgainMilliseconds > now
        {
            return
        }
        let number = numbered()
        let terms = terms(now)
        joining.factsQuestion = number
        joining.terms = terms
        shards[partition]?.stage = .joining(joining)
        actions.append(
            .askFacts(question: number, partition: partition, from: terms.readFrom))
    }

    /// The joining shard that asked the question. An answer for a shard that was revoked meanwhile
    /// is too old for its successor.
    private func asker(ofFacts question: Int) -> (partition: Int32, joining: Joining)? {
        for (partition, shard) in shards {
            if let joining = shard.joining, joining.factsQuestion == question {
                return (partition, joining)
            }
        }
        return nil
    }

    mutating func learn(
        _ facts: ShardJoin.LogFacts, isProducerStamped: Bool, _ question: Int,
        _ actions: inout [RegionAction]
    ) {
        if isProducerStamped, settings.requiresBrokerStamps {
            return end(.producerStamps, &actions)
        }
        guard let (partition, open) = asker(ofFacts: question) else { return }
        var joining = open
        joining.factsQuestion = nil
        joining.facts = facts
        shards[partition]?.stage = .joining(joining)
    }

    mutating func factsUnknown(
        _ question: Int, _ problem: String, _ now: UnixTime, _ actions: inout [RegionAction]
    ) {
        guard let (partition, open) = asker(ofFacts: question) else { return }
        var joining = open
        joining.factsQuestion = nil
        joining.factsFailedAt = now
        shards[partition]?.stage = .joining(joining)
        actions.append(
            .note(
                Note(
                    .warning, "the broker did not answer a query of the log",
                    ["partition": "\(partition)", "error": problem])))
    }

    // MARK: - HQs' answers

    /// True if the HQ has to answer a question before the node can push to it.
    func isAsked(_ hq: Int) -> Bool {
        shards.values.contains { shard in
            guard let joining = shard.joining else { return false }
            return joining.seeding?.hq == hq || !joining.statuses[hq].isKnown
        }
    }

    /// True unless a folding shard began without this HQ's answer.
    private func isJoined(_ hq: Int) -> Bool {
        shards.values.allSatisfy { $0.folding?.pushes[hq].isJoined ?? true }
    }

    private mutating func askStatuses(
        _ partitions: [Int32], _ now: UnixTime, _ actions: inout [RegionAction]
    ) {
        for hq in links.indices where links[hq].question == nil && !links[hq].isResting(at: now) {
            let joining = partitions.compactMap { partition in
                shards[partition]?.joining.map { (partition: partition, joining: $0) }
            }
            // Without values, one question covers all shards.
            let seeded = joining.first { $0.joining.seeding?.hq == hq }?.partition
            let isUnknown =
                joining.contains { !$0.joining.statuses[hq].isKnown } || !isJoined(hq)
            guard seeded != nil || isUnknown else { continue }
            let one = isUnknown ? nil : seeded
            let number = numbered()
            links[hq].question = .init(number: number, kind: .statuses(partition: one))
            actions.append(.askStatuses(hq: hq, question: number, partition: one))
        }
    }

    mutating func take(
        _ answer: ShardStatuses, from hq: Int, _ question: Int, _ now: UnixTime,
        _ actions: inout [RegionAction]
    ) {
        guard links.indices.contains(hq), let open = links[hq].question, open.number == question,
            case .statuses(let asked) = open.kind
        else { return }
        links[hq].question = nil
        answered(hq, at: answer.serverTime, now, &actions)
        if asked == nil { join(hq, answer, &actions) }
        for partition in joiningPartitions {
            guard var joining = shards[partition]?.joining,
                asked == nil || asked == partition && joining.seeding?.hq == hq
            else { continue }
            let status = answer.shards.first {
                $0.log == settings.log && $0.partition == partition
            }
            if asked == nil {
                guard !joining.statuses[hq].isKnown else { continue }
            } else {
                joining.seeding = nil
                joining.asked.insert(hq)
            }
            joining.statuses[hq] = .known(status)
            shards[partition]?.stage = .joining(joining)
        }
    }

    /// Joins shards that began without this HQ's answer.
    private mutating func join(
        _ hq: Int, _ answer: ShardStatuses, _ actions: inout [RegionAction]
    ) {
        for shard in foldingShards where !shard.pushes[hq].isJoined {
            let status = answer.shards.first {
                $0.log == settings.log && $0.partition == shard.partition
            }
            shard.pushes[hq].join(status, of: &shard.fold)
            if shard.fold.hasForeignRecord { stop(shard.partition, .foreignRecord, &actions) }
        }
    }

    // MARK: - Starting

    private mutating func start(
        _ partition: Int32, _ now: UnixTime, _ actions: inout [RegionAction]
    ) {
        guard var joining = shards[partition]?.joining, let facts = joining.facts,
            var terms = joining.terms
        else { return }
        if let seeding = joining.seeding {
            // It has not answered in time: minutes that the log does not reach stay incomplete.
            joining.seeding = nil
            joining.asked.insert(seeding.hq)
        }
        // Another HQ, heard since, may still hold earlier minutes.
        guard floor(now) >= terms.floor else {
            joining.facts = nil
            joining.readyAt = nil
            shards[partition]?.stage = .joining(joining)
            return
        }
        terms.now = latestPresent(now)
        let statuses = joining.statuses.map(\.status)
        switch ShardJoin.plan(
            log: facts, statuses: statuses,
            mayAsk: links.indices.map { !joining.asked.contains($0) }, terms: terms)
        {
        case .needsValues(let hq):
            joining.seeding = (hq, now)
            joining.readyAt = nil
            shards[partition]?.stage = .joining(joining)
        case .stop(.endsBelowWatermark) where !joining.areFactsNewer:
            // The log answered before HQ: another owner may have pushed newer records in between.
            joining.areFactsNewer = true
            joining.facts = nil
            joining.readyAt = nil
            shards[partition]?.stage = .joining(joining)
        case .stop(let alarm):
            stop(partition, alarm, &actions)
        case .start(let start):
            fold(partition, start, facts, joining, now, &actions)
        }
    }

    private mutating func fold(
        _ partition: Int32, _ start: FoldStart, _ facts: ShardJoin.LogFacts, _ joining: Joining,
        _ now: UnixTime, _ actions: inout [RegionAction]
    ) {
        var fold = ShardFold(settings: settings.fold, start: start, memory: settings.memory)
        let pushes = joining.statuses.map { answer in
            var push = ShardPush(log: settings.log, partition: partition)
            if case .known(let status) = answer { push.join(status, of: &fold) }
            return push
        }
        let shard = FoldingShard(
            partition: partition, fold: fold, pushes: pushes, caughtUpAt: facts.high, joinedAt: now)
        shard.shortenMissed()
        shards[partition]?.stage = .folding(shard)
        isReadingStale = true
        let watermark = joining.statuses.compactMap { $0.status?.watermark }.max() ?? 0
        let from =
            watermark == 0 ? "no saved position" : "headquarters has it up to \(watermark)"
        let text = "partition \(partition): reading from offset \(start.offset)"
        actions.append(
            .note(
                Note(
                    .info, "\(text) to \(facts.high), \(from)",
                    ["partition": "\(partition)", "seeded": "\(start.seed != nil)"])))
    }
}
