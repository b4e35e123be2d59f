import Aggregation
import CivilTime
import DeltaProtocol
import KafkaClient
import LargePages
import Logging
import Topology

/// Taking over partitions: from the group's word to a fold that reads them.
///
/// A shard joins once both the log and HQ have said where it stands: HQ's fingerprint shows a
/// recreated topic before anything is folded, and its values stand in for what retention took.
/// A node without an HQ in reach waits; it loses nothing by that, since it could not push either.
extension RegionNode {
    /// Reading a committed offset is worth waiting for.
    private static let committedTimeoutMs: Int32 = 3_000
    /// A shard that could start waits this long for the others, in milliseconds: starting several
    /// at once spares them the restart of their fetches. One that cannot must not hold up the rest.
    private static let startTogetherMilliseconds: Int64 = 2_000

    func takeOver(_ partitions: [Int32]) throws {
        // More partitions are a new log, at the start and under way.
        if let greatest = partitions.max(), greatest >= partitionCount {
            throw RegionError.partitions(
                of: configuration.region, expected: "\(partitionCount)",
                found: Int(greatest) + 1)
        }
        let held = Set(partitions)
        for partition in shards.keys where !held.contains(partition) {
            shards.removeValue(forKey: partition)
        }
        for partition in partitions where shards[partition] == nil {
            shards[partition] = RegionShard(partition: partition)
        }
        // States that were kept go on where they stood.
        try assignFolding(now: WallClock.now())
    }

    func stop(_ shard: RegionShard, _ alarm: ShardJoin.Alarm) {
        shard.stage = .stopped(alarm)
        logger.error(
            "shard stopped: see the runbook shard-refused",
            metadata: ["partition": "\(shard.partition)", "alarm": "\(alarm.rawValue)"])
    }

    /// Asks for what is missing, and starts the shards for which nothing is.
    func join(now: UnixTime) throws {
        let joining = shards.keys.sorted().compactMap { shards[$0] }.filter {
            if case .joining = $0.stage { true } else { false }
        }
        guard !joining.isEmpty else { return }
        askStatuses(for: joining)
        for shard in joining where shard.facts == nil && shard.askedFactsAt == nil {
            if let failed = shard.factsFailedAt, failed <= now,
                failed + Self.askAgainMilliseconds > now
            {
                continue
            }
            if watcher.askFacts(partition: shard.partition, now: now) {
                shard.askedFactsAt = now
            }
        }
        let ready = joining.filter(\.isReady)
        for shard in ready { shard.readyAt = min(shard.readyAt ?? now, now) }
        guard !ready.isEmpty,
            ready.count == joining.count
                || ready.contains(where: {
                    ($0.readyAt ?? now) + Self.startTogetherMilliseconds <= now
                })
        else { return }
        var started = false
        for shard in ready { started = start(shard, now: now) || started }
        if started { try assignFolding(now: WallClock.now()) }
    }

    /// The HQ that is asked what it has of the joining shards: the first that answers what it is
    /// sent. Where none does, the first that may be tried; nil while none may.
    var joiningLink: Int? {
        if let well = links.firstIndex(where: \.problem.isEmpty) { return well }
        let now = WallClock.now()
        return links.firstIndex { !$0.isBusy && !$0.isResting(at: now) }
    }

    private func askStatuses(for joining: [RegionShard]) {
        guard let index = joiningLink else { return }
        let state = links[index]
        guard !state.isBusy, !state.isResting(at: WallClock.now()) else { return }
        let unknown = joining.filter { if case .unknown = $0.status { true } else { false } }
        guard let first = unknown.first else { return }
        let partition = unknown.first(where: \.needsValues).map(\.partition)
        // Without values one question answers for all.
        guard partition != nil || !first.needsValues else { return }
        state.isBusy = true
        state.link.send(.statuses(partition: partition))
    }

    func takeStatuses(_ statuses: [ShardStatus], partition asked: Int32?, from index: Int) {
        for shard in shards.values {
            guard case .joining = shard.stage, case .unknown = shard.status,
                asked == nil ? !shard.needsValues : asked == shard.partition
            else { continue }
            shard.status = .known(
                statuses.first { $0.log == log && $0.partition == shard.partition }, from: index)
        }
    }

    /// True where the shard now folds.
    private func start(_ shard: RegionShard, now: UnixTime) -> Bool {
        guard let facts = shard.facts, case .known(let status, let source) = shard.status else {
            return false
        }
        switch ShardJoin.plan(
            log: facts, status: status, version: settings.version,
            hasAskedForValues: shard.needsValues, now: now)
        {
        case .needsSeed:
            shard.needsValues = true
            shard.status = .unknown
            shard.readyAt = nil
            return false
        case .stop(.endsBelowWatermark) where !shard.areFactsNewer:
            // The log was asked first: another owner may have pushed what came in between.
            shard.areFactsNewer = true
            shard.facts = nil
            shard.readyAt = nil
            return false
        case .stop(let alarm):
            stop(shard, alarm)
            return false
        case .start(let start):
            let pushes = links.indices.map { index in
                ShardPush(
                    log: log, partition: shard.partition,
                    watermark: index == source ? status?.watermark ?? 0 : 0)
            }
            shard.stage = .folding(
                FoldingShard(
                    partition: shard.partition,
                    fold: ShardFold(settings: settings, start: start, memory: .largePages),
                    pushes: pushes, caughtUpAt: facts.high))
            logger.info(
                "shard joined",
                metadata: [
                    "partition": "\(shard.partition)", "offset": "\(start.offset)",
                    "end": "\(facts.high)", "watermark": "\(status?.watermark ?? 0)",
                    "seeded": "\(start.seed != nil)",
                ])
            return true
        }
    }

    /// Reads every folding shard that the group lets us read, each from its coverage; none while
    /// dead letters hold the node back.
    func assignFolding(now: UnixTime) throws {
        let held = consumer.heldPartitions
        let shards = foldingShards.filter { held.contains($0.partition) }
        learnCommitted(of: shards.filter { !$0.isAssigned }, now: now)
        let positions = shards.filter(\.isAssigned).map {
            KafkaPosition(partition: $0.partition, offset: $0.fold.coverage)
        }
        try consumer.assign(isHeldBack ? [] : positions)
    }

    /// Asks how far the group has committed shards that are about to be read, kept ones among
    /// them: another owner may have gone on meanwhile. Without an answer they are not read yet, or
    /// the letters below it would be sent again and the group's offsets be put back.
    private func learnCommitted(of shards: [FoldingShard], now: UnixTime) {
        guard !shards.isEmpty else { return }
        do {
            let committed = try consumer.committedOffsets(
                shards.map(\.partition), timeoutMs: Self.committedTimeoutMs)
            for shard in shards {
                shard.committed = max(shard.committed, committed[shard.partition] ?? 0)
                shard.isAssigned = true
            }
        } catch {
            logger.warning("committed offsets not known", metadata: ["error": "\(error)"])
            assignAgainAt = now + Self.askAgainMilliseconds
        }
    }
}
