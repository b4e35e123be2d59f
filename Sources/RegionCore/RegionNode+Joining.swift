import Aggregation
import CivilTime
import DeltaProtocol
import Pacing

/// From the group's word to a fold that is read.
///
/// A shard joins once both the log and HQ have said where it is: HQ's fingerprint shows a
/// recreated topic before anything is folded, and its values replace what retention took. A node
/// without an HQ in reach waits; it loses nothing by that, since it could not push either.
extension RegionNode {
    /// A shard that could start waits this long for the others, in milliseconds: starting several
    /// at once spares them the restart of their fetches. One that cannot must not hold up the rest.
    private static let startTogetherMilliseconds: Int64 = 2_000

    /// The partitions of shards that wait to start.
    var joiningPartitions: [Int32] {
        shards.keys.sorted().filter { shards[$0]?.joining != nil }
    }

    /// Asks for missing answers, and starts the shards that have all of theirs.
    mutating func join(_ now: UnixTime, _ actions: inout [RegionAction]) {
        let partitions = joiningPartitions
        guard !partitions.isEmpty else { return }
        askStatuses(partitions, now, &actions)
        for partition in partitions { askFacts(partition, now, &actions) }
        var ready: [Int32] = []
        var isDue = false
        for partition in partitions {
            guard var joining = shards[partition]?.joining, joining.isReady else { continue }
            let since = min(joining.readyAt ?? now, now)
            joining.readyAt = since
            shards[partition]?.stage = .joining(joining)
            ready.append(partition)
            isDue = isDue || since + Self.startTogetherMilliseconds <= now
        }
        guard !ready.isEmpty, isDue || ready.count == partitions.count else { return }
        for partition in ready { start(partition, now, &actions) }
    }

    // MARK: - What the log says

    private mutating func askFacts(
        _ partition: Int32, _ now: UnixTime, _ actions: inout [RegionAction]
    ) {
        guard var joining = shards[partition]?.joining, joining.facts == nil,
            joining.factsQuestion == nil
        else { return }
        if let failed = joining.factsFailedAt, failed <= now,
            failed + Self.askAgainMilliseconds > now
        {
            return
        }
        let number = numbered()
        joining.factsQuestion = number
        shards[partition]?.stage = .joining(joining)
        actions.append(
            .askFacts(
                question: number, partition: partition, from: now - ShardJoin.rememberMilliseconds))
    }

    /// The joining shard that asked the question. An answer to a shard that was given back
    /// meanwhile is too old for the one that has its place now.
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
                    .warning, "the log does not answer",
                    ["partition": "\(partition)", "error": problem])))
    }

    /// Questions for the ends that are waited for; more are given up, the oldest first.
    private static let endsQuestionsMax = 8

    mutating func askEnds(_ now: UnixTime, _ actions: inout [RegionAction]) {
        // One whose answer is long overdue does not keep the next from being asked.
        let interval =
            endsQuestions.isEmpty ? settings.endsMilliseconds : Self.askAgainMilliseconds * 3
        let partitions = foldingShards.map(\.partition)
        guard !partitions.isEmpty, endsPace.take(every: interval, at: now) else { return }
        let number = numbered()
        // A time before the question went out proves no less.
        endsQuestions.append((number, now))
        if endsQuestions.count > Self.endsQuestionsMax { endsQuestions.removeFirst() }
        actions.append(.askEnds(question: number, partitions))
    }

    mutating func learn(ends: [Int32: Int64], _ question: Int) {
        guard let index = endsQuestions.firstIndex(where: { $0.number == question }) else { return }
        let asked = endsQuestions[index]
        // What older ones would prove is proven.
        endsQuestions.removeFirst(index + 1)
        for shard in foldingShards {
            guard let end = ends[shard.partition] else { continue }
            shard.fold.learnedEnd(end, askedAt: asked.askedAt)
        }
    }

    // MARK: - What HQ has

    /// The HQ that is asked what it has of the joining shards: the first that answers what it is
    /// sent. Where none does, the first that may be tried; nil while none may.
    func joiningLink(_ now: UnixTime) -> Int? {
        if let well = links.firstIndex(where: \.problem.isEmpty) { return well }
        return links.firstIndex { $0.question == nil && !$0.isResting(at: now) }
    }

    private mutating func askStatuses(
        _ partitions: [Int32], _ now: UnixTime, _ actions: inout [RegionAction]
    ) {
        guard let hq = joiningLink(now), links[hq].question == nil, !links[hq].isResting(at: now)
        else { return }
        let unknown = partitions.compactMap { partition in
            shards[partition]?.joining.map { (partition: partition, joining: $0) }
        }.filter(\.joining.isUnknown)
        guard !unknown.isEmpty else { return }
        // Without values one question answers for all.
        let one = unknown.first(where: \.joining.needsValues)?.partition
        let number = numbered()
        links[hq].question = .init(number: number, kind: .statuses(partition: one))
        actions.append(.askStatuses(hq: hq, question: number, partition: one))
    }

    mutating func take(
        _ statuses: [ShardStatus], from hq: Int, _ question: Int, _ actions: inout [RegionAction]
    ) {
        guard links.indices.contains(hq), let open = links[hq].question, open.number == question,
            case .statuses(let asked) = open.kind
        else { return }
        links[hq].question = nil
        answered(hq, &actions)
        for partition in joiningPartitions {
            guard var joining = shards[partition]?.joining, joining.isUnknown,
                asked == nil ? !joining.needsValues : asked == partition
            else { continue }
            let status = statuses.first { $0.log == settings.log && $0.partition == partition }
            joining.status = .known(status, from: hq)
            shards[partition]?.stage = .joining(joining)
        }
    }

    // MARK: - Starting

    private mutating func start(
        _ partition: Int32, _ now: UnixTime, _ actions: inout [RegionAction]
    ) {
        guard var joining = shards[partition]?.joining, let facts = joining.facts,
            case .known(let status, let source) = joining.status
        else { return }
        switch ShardJoin.plan(
            log: facts, status: status, version: settings.fold.version,
            hasAskedForValues: joining.needsValues, now: now)
        {
        case .needsSeed:
            joining.needsValues = true
            joining.status = .unknown
            joining.readyAt = nil
            shards[partition]?.stage = .joining(joining)
        case .stop(.endsBelowWatermark) where !joining.areFactsNewer:
            // The log was asked first: another owner may have pushed what came in between.
            joining.areFactsNewer = true
            joining.facts = nil
            joining.readyAt = nil
            shards[partition]?.stage = .joining(joining)
        case .stop(let alarm):
            stop(partition, alarm, &actions)
        case .start(let start):
            let pushes = links.indices.map { hq in
                ShardPush(
                    log: settings.log, partition: partition,
                    watermark: hq == source ? status?.watermark ?? 0 : 0)
            }
            shards[partition]?.stage = .folding(
                FoldingShard(
                    partition: partition,
                    fold: ShardFold(settings: settings.fold, start: start, memory: settings.memory),
                    pushes: pushes, caughtUpAt: facts.high, joinedAt: now))
            isReadingStale = true
            noteStart(partition, start, facts, status, &actions)
        }
    }

    private func noteStart(
        _ partition: Int32, _ start: FoldStart, _ facts: ShardJoin.LogFacts,
        _ status: ShardStatus?, _ actions: inout [RegionAction]
    ) {
        actions.append(
            .note(
                Note(
                    .info, "shard joined",
                    [
                        "partition": "\(partition)", "offset": "\(start.offset)",
                        "end": "\(facts.high)", "watermark": "\(status?.watermark ?? 0)",
                        "seeded": "\(start.seed != nil)",
                    ])))
    }
}
