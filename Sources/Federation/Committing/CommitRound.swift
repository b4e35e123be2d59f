package import CivilTime
package import DeltaProtocol
package import Identifiers

/// One request of a region at HQ, from its arrival to its reply: repair, read, decide, write,
/// repeat if another writer was faster, and then compare digests.
///
/// A state machine: the driver performs each action and reports its result with the next event.
/// Each action is one atomic step of the store; other rounds, in this or another process, may run
/// between any two. State that outlives a round is in `CommitMemory`. One owner, any thread.
package struct CommitRound: Sendable {
    package enum Action: Sendable, Hashable {
        /// Repair the sums that failed scripts may have left wrong, including those of these
        /// minutes.
        case repair(Set<Minute>)
        /// Read these shards, all in one atomic step.
        case read([ShardQuestion])
        /// Write these commits, or one step of them, atomically; write nothing unless every shard
        /// still has the expected texts.
        case write(CommitStep)
        case digest(ShardID, ClosedRange<Minute>)
        case answer(DeltaReply)
        /// The store does not answer, so the request gets no reply.
        case giveUp
    }

    package enum Event: Sendable, Hashable {
        case begun
        case repaired
        /// In the order of the question; nil for a shard whose stored values are damaged. The next
        /// repair fixes them.
        case read([ShardReading?])
        case written
        /// A text differed from the one that a commit is based on: nothing was written.
        case conflicted
        /// The script failed midway, and the store does not roll it back.
        case failed
        case digested(StoredDigest?)
        /// The store did not answer, or not in time; its effect is unknown.
        case storeFailed
    }

    /// A region's part of HQ's configuration.
    package struct Settings: Sendable, Hashable {
        /// The region's logs and the maximum number of partitions of each.
        package var knownLogs: [LogID: Int32]
        /// Partition counts of logs: from their files or, if those have none, from the store, which
        /// keeps the count of the first commit.
        package var fixedPartitions: [LogID: Int32]
        /// The log being written; nil if there is none.
        package var currentLog: LogID?
        /// True if the store sums the region; a repair would remove the buckets of any other.
        package var isSummed: Bool
        /// True if regions' digests are compared with the store.
        package var comparesDigests: Bool
        package var bounds: Bounds

        package init(
            knownLogs: [LogID: Int32], fixedPartitions: [LogID: Int32] = [:],
            currentLog: LogID? = nil, isSummed: Bool = true,
            comparesDigests: Bool = false, bounds: Bounds = Bounds()
        ) {
            self.knownLogs = knownLogs
            self.fixedPartitions = fixedPartitions
            self.currentLog = currentLog
            self.isSummed = isSummed
            self.comparesDigests = comparesDigests
            self.bounds = bounds
        }
    }

    /// Bounds on one step of the store.
    package struct Bounds: Sendable, Hashable {
        /// Attempts of one request before its shards get `refused(store)`.
        package var attempts = 6
        /// Buckets that one script writes, unless a single minute has more. A bucket and the sums
        /// that it changes take 5 to 15 µs on a busy machine, so a script holds Redis for 30 ms.
        package var bucketsPerWrite = 2_000
        /// Maximum number of hashes in one read, unless a single shard needs more.
        package var hashesPerRead = 10_000

        package init() {}
    }

    package let request: DeltaRequest
    let settings: Settings
    let context: MergeContext
    /// The replies to the shards, by index in the request; nil until decided.
    var replies: [ShardReply?]
    /// Each shard as last read; nil if HQ has no such shard.
    private var stored: [StoredShard?]
    /// Attempts begun.
    private var attempt = 0
    /// The number of shards decided again, over all attempts.
    package private(set) var retries = 0
    /// Shards that another attempt must decide.
    private var again: [Int]
    /// Shards that this attempt has not read yet.
    private var unread: [[Int]] = []
    /// The shards of the read in progress.
    private var reading: [Int] = []
    /// Readings not decided yet, the next last.
    private var undecided: [(index: Int, reading: ShardReading)] = []
    /// Decided commits not written yet: small ones, which share a script, and large ones, which
    /// take several scripts each.
    private var group = CommitGroup()
    private var large = CommitGroup()
    /// Groups to write, the next last.
    private var unwritten: [CommitGroup] = []
    private var writing = CommitGroup()
    /// The group's steps that have not been written yet.
    private var steps: ArraySlice<CommitStep> = []
    /// The minutes whose sums were repaired after a failed script, by the text that it left.
    private var mended: [String: Set<Minute>] = [:]
    var audit: Audit?

    /// HQ's present when the request arrived.
    package var present: UnixTime { context.now }

    /// - Parameter now: HQ's clock when the request arrived.
    package init(_ request: DeltaRequest, settings: Settings, now: UnixTime) {
        self.request = request
        self.settings = settings
        context = MergeContext(request, knownLogs: settings.knownLogs, now: now)
        replies = Array(repeating: nil, count: request.shards.count)
        stored = Array(repeating: nil, count: request.shards.count)
        let isFirst = ShardMerge.isFirstOfItsShard(request.shards)
        again = request.shards.indices.filter { isFirst[$0] }
    }

    /// Takes the result of the last action and returns the next one.
    package mutating func handle(
        _ event: Event, at now: UnixTime, memory: inout CommitMemory
    ) -> Action {
        switch event {
        case .begun:
            guard settings.isSummed else {
                for index in request.shards.indices { refuse(index, .unknownLog) }
                return answer(now, &memory)
            }
            refuseOtherPartitionCounts()
            return beginAttempt(now, &memory)
        case .repaired: return proceed(now, &memory)
        case .read(let readings):
            for (index, found) in Array(zip(reading, readings)).reversed() {
                if let found { undecided.append((index, found)) } else { again.append(index) }
            }
            return proceed(now, &memory)
        case .written:
            if let next = steps.popFirst() { return .write(next) }
            noteHealed(&memory)
            // The differences were computed from damaged values, so the sums are recomputed.
            return writing.healed.isEmpty ? proceed(now, &memory) : .repair(writing.healed)
        case .conflicted, .failed:
            steps = []
            again += writing.indices
            return proceed(now, &memory)
        case .digested(let found): return digested(found, now, &memory)
        case .storeFailed:
            // After the commits are written, continue with the next digest instead.
            return audit == nil ? .giveUp : dropClaim(now, &memory)
        }
    }

    /// The replies decided so far, before the audit.
    package var decided: [ShardReply] { replies.compactMap(\.self) }

    /// A log id names one incarnation of a topic with a fixed number of partitions: with more,
    /// records would be in other partitions than their repeats.
    private mutating func refuseOtherPartitionCounts() {
        for index in again {
            let log = request.shards[index].log
            guard let fixed = settings.fixedPartitions[log],
                let said = request.partitionCounts[log], said != fixed
            else { continue }
            refuse(index, .partitionCount)
        }
        again.removeAll { replies[$0] != nil }
    }

    // MARK: - Attempts

    /// Shards whose texts another writer changed between reading and writing are read and decided
    /// again. After a script fails midway, its sums are repaired before its shards are retried.
    private mutating func beginAttempt(_ now: UnixTime, _ memory: inout CommitMemory) -> Action {
        again.sort()
        guard !again.isEmpty, attempt < settings.bounds.attempts else {
            for index in again { refuse(index, .store) }
            return beginAudit(now, &memory)
        }
        if attempt > 0 { retries += again.count }
        attempt += 1
        unread = readGroups(again)
        again = []
        return .repair([])
    }

    private mutating func proceed(_ now: UnixTime, _ memory: inout CommitMemory) -> Action {
        while true {
            if let next = unwritten.popLast() {
                if let write = write(next) { return write }
            } else if let next = undecided.last {
                if let repair = mend(next.index, next.reading) { return repair }
                undecided.removeLast()
                decide(next.index, next.reading)
            } else if !unread.isEmpty {
                reading = unread.removeFirst()
                return .read(
                    reading.map { ShardQuestion(request.shards[$0], context: context) })
            } else if !group.commits.isEmpty || !large.commits.isEmpty {
                flush()
            } else {
                return beginAttempt(now, &memory)
            }
        }
    }

    /// Splits `pending` into runs whose hashes fit one read.
    private func readGroups(_ pending: [Int]) -> [[Int]] {
        var groups: [[Int]] = []
        var hashes = 0
        for index in pending {
            let minutes = ShardMerge.minutesToRead(request.shards[index], context: context)
            let more = minutes.buckets.count + minutes.late.count
            if groups.isEmpty || hashes + more > settings.bounds.hashesPerRead {
                groups.append([])
                hashes = 0
            }
            groups[groups.count - 1].append(index)
            hashes += more
        }
        return groups
    }

    // MARK: - Decisions

    /// Returns the repair of sums after a failed script, whose writer may no longer be there to do
    /// it. The script left the same text on all its shards. Nil if there is nothing to repair.
    private mutating func mend(_ index: Int, _ reading: ShardReading) -> Action? {
        guard let text = reading.liveness, ShardLiveness.isTorn(text) else { return nil }
        let minutes = Set(
            ShardMerge.minutesToRead(request.shards[index], context: context).buckets)
        let open = minutes.subtracting(mended[text] ?? [])
        guard !open.isEmpty else { return nil }
        mended[text, default: []].formUnion(open)
        return .repair(open)
    }

    private mutating func decide(_ index: Int, _ reading: ShardReading) {
        let delta = request.shards[index]
        let decision = ShardMerge.decide(delta, reading: reading, context: context)
        stored[index] = reading.watermark.flatMap { StoredShard(text: $0) }
        replies[index] = decision.reply
        guard var commit = decision.commit else { return }
        commit.isFilling = delta.base == 0
        // The hashes mix two states, so the region must send the whole shard.
        if !commit.isFilling, reading.liveness.map(ShardLiveness.isFilling) ?? false {
            stored[index] = nil
            replies[index]?.outcome = .behind
            replies[index]?.watermark = 0
            replies[index]?.claims = nil
            return
        }
        var healed = Set<Minute>()
        if delta.base != 0, let minutes = delta.replaced {
            healed = Set(minutes)
        } else if delta.coverage == stored[index]?.watermark {
            healed = Set(commit.changes.map(\.minute))
        }
        let buckets = commit.changes.count + commit.late.count
        if buckets > settings.bounds.bucketsPerWrite {
            large.add(commit, index: index)
            large.healed.formUnion(healed)
        } else {
            group.add(commit, index: index)
            group.healed.formUnion(healed)
            if group.buckets >= settings.bounds.bucketsPerWrite { flush() }
        }
    }

    private mutating func flush() {
        if !group.commits.isEmpty {
            unwritten.append(group)
            group = CommitGroup()
        } else {
            unwritten.append(large)
            large = CommitGroup()
        }
    }

    /// Minutes that were written whole no longer differ.
    private func noteHealed(_ memory: inout CommitMemory) {
        for (commit, index) in zip(writing.commits, writing.indices) {
            let delta = request.shards[index]
            guard delta.base != 0, let minutes = delta.replaced else { continue }
            memory.audit.healed(commit.shard, minutes)
        }
    }

    /// Nil if the group must be written in halves: the differences of many shards that all change
    /// at once may overflow `Int64`, those of a single shard never do.
    private mutating func write(_ group: CommitGroup) -> Action? {
        let counts = request.partitionCounts
            .filter { settings.knownLogs[$0.key] != nil }
            .filter { (1...ShardID.maximumPartitions).contains($0.value) }
            .sorted { $0.key < $1.key }
        let steps = CommitFilling.steps(
            of: group.commits, salt: "\(request.node) \(context.now.milliseconds) \(attempt)",
            bucketsMax: settings.bounds.bucketsPerWrite,
            partitionCounts: counts.map { .init(log: $0.key, count: $0.value) })
        guard let first = steps?.first, let rest = steps?.dropFirst() else {
            unwritten += group.halves().reversed()
            return nil
        }
        writing = group
        self.steps = rest
        return .write(first)
    }

    private mutating func refuse(_ index: Int, _ reason: RefusalReason) {
        let delta = request.shards[index]
        replies[index] = ShardReply(
            log: delta.log, partition: delta.partition, outcome: .refused(reason),
            watermark: stored[index]?.watermark ?? 0, claims: stored[index]?.claims,
            fingerprint: stored[index]?.fingerprint)
    }

    // MARK: - The answer

    mutating func answer(_ now: UnixTime, _ memory: inout CommitMemory) -> Action {
        for index in request.shards.indices where replies[index] == nil { refuseRepeated(index) }
        memory.commands.take(request.outcomes, of: request.region)
        let commands = memory.commands.offers(
            to: request, currentLog: settings.currentLog, at: now)
        return .answer(
            DeltaReply(
                shards: replies.compactMap(\.self), serverTime: context.now, commands: commands))
    }

    /// The decision on a request's second delta of the same shard would ignore the changes of the
    /// first.
    private mutating func refuseRepeated(_ index: Int) {
        let delta = request.shards[index]
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

/// Commits written by one script, each with its index in the request.
private struct CommitGroup: Sendable {
    var commits: [ShardCommit] = []
    var indices: [Int] = []
    var buckets = 0
    /// Minutes whose sums must be recomputed from the hashes afterwards.
    var healed: Set<Minute> = []

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
            half.healed = healed
            return half
        }
    }
}
