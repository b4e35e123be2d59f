import CivilTime
import DeltaProtocol
import Federation
import Logging
import Topology

extension StoreConversation {
    /// Decides and writes the shards of one request.
    ///
    /// Shards whose texts another writer changed between reading and writing are read and decided
    /// again; a script that fails midway is repaired before its shards are tried again.
    mutating func commit(
        _ request: DeltaRequest, knownLogs: [LogID: Int32], now: UnixTime, deadline: Deadline
    ) throws(RedisStoreError) -> DeltaReply {
        let context = MergeContext(request, knownLogs: knownLogs, now: now)
        // Sums count the configured regions only: another one's buckets would be repaired away.
        guard configuration.regions.contains(request.region) else {
            let answered = request.shards.map { Self.refusal(.unknownLog, of: $0, over: nil) }
            count(answered)
            return DeltaReply(shards: answered, serverTime: now)
        }
        try removeReplacedLogsOnce(of: request.region, now: now, deadline: deadline)
        let isFirst = ShardMerge.isFirstOfItsShard(request.shards)
        var answers = CommitAnswers(count: request.shards.count)
        var pending = request.shards.indices.filter { isFirst[$0] }
        var attempt = 0
        while !pending.isEmpty, attempt < ScriptLimits.commitAttempts {
            if attempt > 0 { counters.update { $0.casRetries += pending.count } }
            attempt += 1
            try repairSuspects(deadline: deadline)
            pending = try commitOnce(
                request, pending, context: context, answers: &answers, deadline: deadline)
        }
        for index in pending {
            answers.replies[index] = Self.refusal(
                .store, of: request.shards[index], over: answers.stored[index])
        }
        for index in request.shards.indices where !isFirst[index] {
            answers.refuseRepeated(request.shards[index], at: index)
        }
        let answered = answers.replies.compactMap { $0 }
        count(answered)
        return DeltaReply(shards: answered, serverTime: now)
    }

    /// One round over `pending`; answers the shards to try again.
    private mutating func commitOnce(
        _ request: DeltaRequest, _ pending: [Int], context: MergeContext,
        answers: inout CommitAnswers, deadline: Deadline
    ) throws(RedisStoreError) -> [Int] {
        var again: [Int] = []
        var group = CommitGroup()
        /// The minutes whose sums were repaired after a failed script, by what it left.
        var mended: [String: Set<Minute>] = [:]
        for indices in readGroups(request.shards, pending, context: context) {
            let wanted = indices.map { index in
                WantedShard(request.shards[index], context: context)
            }
            let readings = try read(wanted, region: request.region, deadline: deadline)
            for (index, reading) in zip(indices, readings) {
                guard let reading else {
                    again.append(index)
                    continue
                }
                if let text = reading.liveness, ShardLiveness.isTorn(text) {
                    // Whoever's script failed may not be there to repair the sums it left. It left
                    // the same text on all its shards.
                    let minutes = Set(
                        ShardMerge.minutesToRead(request.shards[index], context: context).buckets)
                    suspects.formUnion(minutes.subtracting(mended[text] ?? []))
                    try repairSuspects(deadline: deadline)
                    mended[text, default: []].formUnion(minutes)
                }
                let decision = ShardMerge.decide(
                    request.shards[index], reading: reading, context: context)
                answers.stored[index] = reading.watermark.flatMap { StoredShard(text: $0) }
                answers.replies[index] = decision.reply
                guard let commit = decision.commit else { continue }
                group.add(commit, index: index)
                guard group.buckets >= ScriptLimits.bucketsPerCommit else { continue }
                again += try write(group, request, context: context, deadline: deadline)
                group = CommitGroup()
            }
        }
        again += try write(group, request, context: context, deadline: deadline)
        return again
    }

    /// Writes a group in one script; answers the shards to try again.
    private mutating func write(
        _ group: CommitGroup, _ request: DeltaRequest, context: MergeContext, deadline: Deadline
    ) throws(RedisStoreError) -> [Int] {
        guard !group.commits.isEmpty else { return [] }
        guard let differences = GlobalDifference.sum(of: group.commits) else {
            // Sums over many shards that all swing at once: one shard alone never overflows.
            var again: [Int] = []
            for half in group.halves() {
                again += try write(half, request, context: context, deadline: deadline)
            }
            return again
        }
        let counts = request.partitionCounts
            .filter { context.knownLogs[$0.key] != nil && $0.value > 0 }
            .filter { $0.value <= ShardID.maximumPartitions }
            .sorted { $0.key < $1.key }
        let isWritten = try write(
            group.commits, differences, region: request.region,
            partitionCounts: counts.map { ($0.key, $0.value) }, deadline: deadline)
        guard isWritten else { return group.indices }
        counters.update { counters in
            for commit in group.commits {
                counters.ignoredBuckets += commit.ignoredBuckets
                if commit.changes.isEmpty, commit.late.isEmpty { counters.touches += 1 }
            }
        }
        return []
    }

    /// Writes the removal of a shard; false where it is to be tried again.
    mutating func write(
        _ removal: ShardCommit, deadline: Deadline
    ) throws(RedisStoreError) -> Bool {
        // One shard alone never overflows.
        guard let differences = GlobalDifference.sum(of: [removal]) else { return false }
        return try write(
            [removal], differences, region: removal.shard.region, partitionCounts: [],
            deadline: deadline)
    }

    /// Writes commits in one script; false where they are to be tried again.
    private mutating func write(
        _ commits: [ShardCommit], _ differences: [GlobalDifference], region: RegionID,
        partitionCounts: [(LogID, Int32)], deadline: Deadline
    ) throws(RedisStoreError) -> Bool {
        let arguments = CommitArguments.make(
            region: region, commits: commits, differences: differences,
            partitionCounts: partitionCounts)
        let doing = "committing deltas"
        let word: String
        do {
            word = try run(.commit, arguments, deadline: deadline, doing: doing) {
                (reply) throws(RedisStoreError) -> String in
                guard let word = reply.texts.first else {
                    throw RedisStoreError(.unexpectedReply, doing: doing)
                }
                return word
            }
        } catch {
            try doubt(commits, error)
            return false
        }
        if word == "failed" {
            try doubt(commits, RedisStoreError(.server("an error midway"), doing: doing))
        }
        return word == "written"
    }

    /// Remembers what a script that failed may have touched. Returns where trying again, after a
    /// repair, can help; throws where the connection or the store does not take writes.
    private mutating func doubt(
        _ commits: [ShardCommit], _ error: RedisStoreError
    ) throws(RedisStoreError) {
        switch error.code {
        case .unavailable, .overloaded, .stopped, .configuration: throw error
        default: break
        }
        for commit in commits {
            for change in commit.changes { suspects.insert(change.minute) }
        }
        counters.update { $0.failedScripts += 1 }
        logger.warning(
            "a commit failed midway or without an answer",
            metadata: ["reason": "\(error)", "suspect_minutes": "\(suspects.count)"])
        switch error.code {
        case .timedOut, .connectionLost: throw error
        default: return
        }
    }

    private func count(_ replies: [ShardReply]) {
        counters.update { counters in
            for reply in replies {
                switch reply.outcome {
                case .committed: counters.commits += 1
                case .repeat: counters.repeats += 1
                case .behind: counters.behind += 1
                case .refused: counters.refused += 1
                }
            }
        }
    }

    private static func refusal(
        _ reason: RefusalReason, of delta: ShardDelta, over stored: StoredShard?
    ) -> ShardReply {
        ShardReply(
            log: delta.log, partition: delta.partition, outcome: .refused(reason),
            watermark: stored?.watermark ?? 0, completeFrom: stored?.completeFrom)
    }

    /// `pending` in runs whose hashes fit one read.
    private func readGroups(
        _ shards: [ShardDelta], _ pending: [Int], context: MergeContext
    ) -> [[Int]] {
        var groups: [[Int]] = []
        var hashes = 0
        for index in pending {
            let minutes = ShardMerge.minutesToRead(shards[index], context: context)
            let more = minutes.buckets.count + minutes.late.count
            if groups.isEmpty || hashes + more > ScriptLimits.hashesPerRead {
                groups.append([])
                hashes = 0
            }
            groups[groups.count - 1].append(index)
            hashes += more
        }
        return groups
    }
}

/// What the shards of a request are answered, by their place in it.
private struct CommitAnswers {
    /// Nil until a shard is decided.
    var replies: [ShardReply?]
    /// What was read of it last; nil where HQ had nothing.
    var stored: [StoredShard?]

    init(count: Int) {
        replies = Array(repeating: nil, count: count)
        stored = Array(repeating: nil, count: count)
    }

    /// Answers a later delta of a shard that the request has named before.
    mutating func refuseRepeated(_ delta: ShardDelta, at index: Int) {
        let first = replies.first {
            $0?.log == delta.log && $0?.partition == delta.partition
        }
        guard var reply = first ?? nil else {
            preconditionFailure("a repeated shard was answered before the first one of its name")
        }
        reply.outcome = .refused(.malformed)
        replies[index] = reply
    }
}

/// Commits that are written by one script, each with its place in the request.
private struct CommitGroup {
    var commits: [ShardCommit] = []
    var indices: [Int] = []
    var buckets = 0

    mutating func add(_ commit: ShardCommit, index: Int) {
        commits.append(commit)
        indices.append(index)
        buckets += commit.changes.count + commit.late.count
    }

    func halves() -> [CommitGroup] {
        let middle = commits.count / 2
        return [0..<middle, middle..<commits.count].map { range in
            var half = CommitGroup()
            for at in range { half.add(commits[at], index: indices[at]) }
            return half
        }
    }
}
