import Aggregation
import CivilTime
import DeltaProtocol

/// Group membership: assignments, read positions and offset commits.
extension RegionNode {
    /// Shards whose state the node has kept continue where they were.
    mutating func takeOver(_ partitions: [Int32], _ actions: inout [RegionAction]) {
        actions.append(
            .note(Note(.info, "partitions taken over", ["count": "\(partitions.count)"])))
        // A log with more partitions must be declared as a new log, at the start and later.
        if let greatest = partitions.max(), greatest >= settings.partitionCount {
            return end(.partitions(found: Int(greatest) + 1), &actions)
        }
        held = Set(partitions)
        for partition in shards.keys where !held.contains(partition) {
            shards.removeValue(forKey: partition)
        }
        // A state that has folded nothing has no fingerprint to compare.
        for shard in foldingShards { shard.isVerified = shard.fold.fingerprint == nil }
        for partition in partitions where shards[partition] == nil {
            shards[partition] = RegionShard(
                partition: partition, headquarters: links.count)
        }
        committedQuestion = nil
        committedFailedAt = nil
        isReadingStale = true
    }

    /// Keeps the states until the group assigns again: most partitions come back at once.
    mutating func giveBack() {
        held = []
        committedQuestion = nil
        for shard in shards.values { shard.folding?.isAssigned = false }
    }

    mutating func stop(
        _ partition: Int32, _ alarm: ShardJoin.Alarm, _ actions: inout [RegionAction]
    ) {
        shards[partition]?.stage = .stopped(alarm)
        isReadingStale = true
        isReadingUrgent = true
        actions.append(
            .note(
                Note(
                    .error, "shard stopped: see the runbook shard-refused",
                    ["partition": "\(partition)", "alarm": alarm.rawValue])))
    }

    /// The broker lacks the offset that follows the shard's coverage: the shard joins again.
    mutating func rejoin(_ place: PartitionOffset, _ actions: inout [RegionAction]) {
        guard stoppingUntil == nil else { return }
        actions.append(
            .note(
                Note(
                    .warning, "offset out of range, the shard joins again",
                    ["partition": "\(place.partition)", "offset": "\(place.offset)"])))
        guard let shard = shards[place.partition] else { return }
        if case .stopped = shard.stage { return }
        shards[place.partition]?.stage = .joining(Joining(headquarters: links.count))
    }

    // MARK: - Reading

    /// Reads every folding shard whose committed offset is known, each from its coverage, or none
    /// while dead letters hold the node back. It reads nothing instead of pausing, because
    /// librdkafka keeps a partition paused that was revoked and assigned again.
    mutating func read(_ actions: inout [RegionAction]) {
        isReadingStale = false
        isReadingUrgent = false
        var places: [PartitionOffset] = []
        for shard in foldingShards
        where !isHeldBack && shard.isAssigned && shard.isVerified
            && held.contains(shard.partition)
        {
            places.append(
                PartitionOffset(partition: shard.partition, offset: shard.fold.coverage))
        }
        actions.append(.read(places))
    }

    /// Queries the group's committed offsets of shards that are about to be read, including kept
    /// ones, which another owner may have advanced. Without an answer they are not read, because
    /// the letters below those offsets would be sent again and the group's offsets set back.
    mutating func askCommitted(_ now: UnixTime, _ actions: inout [RegionAction]) {
        guard committedQuestion == nil else { return }
        if let failed = committedFailedAt, failed <= now,
            failed + Self.askAgainMilliseconds > now
        {
            return
        }
        let partitions = foldingShards.filter { !$0.isAssigned && held.contains($0.partition) }
            .map(\.partition)
        guard !partitions.isEmpty else { return }
        let number = numbered()
        committedQuestion = (number, Set(partitions))
        actions.append(.askCommitted(question: number, partitions))
    }

    mutating func learn(committed offsets: [Int32: Int64], _ question: Int) {
        guard let asked = committedQuestion, asked.number == question else { return }
        committedQuestion = nil
        committedFailedAt = nil
        for partition in asked.partitions {
            guard let shard = shards[partition]?.folding else { continue }
            shard.committed = max(shard.committed, offsets[partition] ?? 0)
            shard.isAssigned = true
            isReadingStale = true
        }
    }

    mutating func committedUnknown(
        _ question: Int, _ problem: String, _ now: UnixTime, _ actions: inout [RegionAction]
    ) {
        guard committedQuestion?.number == question else { return }
        committedQuestion = nil
        committedFailedAt = now
        actions.append(
            .note(Note(.warning, "committed offsets are unknown", ["error": problem])))
    }

    // MARK: - Committing

    mutating func commit(_ actions: inout [RegionAction]) {
        var places: [PartitionOffset] = []
        for shard in foldingShards where shard.isAssigned {
            let offset = shard.acknowledged
            guard offset > shard.committed else { continue }
            shard.committed = offset
            places.append(PartitionOffset(partition: shard.partition, offset: offset))
        }
        if !places.isEmpty { actions.append(.commit(places)) }
    }

    /// Makes the next commit include the offsets that failed; an idle shard would otherwise show
    /// lag forever. No letters are repeated, because no fold reads below its coverage.
    func commitAgain(
        _ places: [PartitionOffset], _ problem: String, _ actions: inout [RegionAction]
    ) {
        actions.append(.note(Note(.debug, "offsets not committed", ["error": problem])))
        for place in places {
            guard let shard = shards[place.partition]?.folding, shard.committed == place.offset
            else { continue }
            shard.committed = place.offset - 1
        }
    }
}
