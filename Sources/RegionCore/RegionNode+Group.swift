import Aggregation
import CivilTime
import DeltaProtocol

/// Group membership: assignments, read positions and offset commits.
extension RegionNode {
    /// States of shards that the node had before go on where they were.
    mutating func takeOver(_ partitions: [Int32], _ actions: inout [RegionAction]) {
        actions.append(
            .note(Note(.info, "partitions taken over", ["count": "\(partitions.count)"])))
        // More partitions are a new log, at the start and under way.
        if let greatest = partitions.max(), greatest >= settings.partitionCount {
            return end(.partitions(found: Int(greatest) + 1), &actions)
        }
        held = Set(partitions)
        for partition in shards.keys where !held.contains(partition) {
            shards.removeValue(forKey: partition)
        }
        // A state that has folded nothing has nothing to compare.
        for shard in foldingShards { shard.isVerified = shard.fold.fingerprint == nil }
        for partition in partitions where shards[partition] == nil {
            shards[partition] = RegionShard(
                partition: partition, headquarters: links.count)
        }
        committedQuestion = nil
        committedFailedAt = nil
        isReadingStale = true
    }

    /// States are kept until the group says who has them: most come back at once.
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

    /// The broker lacks the offset that follows what the shard holds: it begins again.
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

    /// Reads every folding shard whose committed offset is known, each from its coverage; none
    /// while dead letters hold the node back. Reading nothing rather than pausing: librdkafka keeps
    /// a partition paused that was taken away and given back.
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

    /// Asks how far the group has committed shards that are about to be read, kept ones among
    /// them: another owner may have gone on meanwhile. Without an answer they are not read yet, or
    /// the letters below it would be sent again and the group's offsets be put back.
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
            .note(Note(.warning, "committed offsets not known", ["error": problem])))
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

    /// Lets the next commit say again what this one did not achieve; an idle shard would otherwise
    /// show lag for ever. Letters are not sent twice by it: no fold reads below its coverage.
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
