import CivilTime
import DeltaCodec
import DeltaProtocol
import Federation
import Topology

/// HQ's side of the delta protocol, driven as `RedisStore` drives it: the real codec and the real
/// merge between an atomic read and an atomic, conditional write.
extension World {
    /// How often one request is tried where other writers are faster.
    static let commitAttempts = 5

    func requestArrived(_ request: Request) {
        guard isOpen(request.region, \.up) else { return lose("request", of: request.node) }
        noteOrder(of: request)
        let running = headquarters.filter(\.isRunning)
        guard !running.isEmpty else { return answer(request, .failure) }
        let process = headquartersRandom.pick(running)
        switch request.content {
        case .statuses(let partition, let withValues):
            guard storeAnswers() else { return answer(request, .failure) }
            repairSuspects(process)
            if withValues { dropHalfWritten(partition, region: request.region) }
            let statuses = store.statuses(
                region: request.region, partition: partition, withValues: withValues,
                now: clock(of: process), shape: shape)
            answer(request, .statuses(DeltaCodec.encode(statuses)))
        case .deltas(let bytes):
            guard let decoded = try? DeltaCodec.decodeRequest(bytes) else {
                probes.hit(.truncatedRequestRefused)
                return answer(request, .failure)
            }
            take(decoded, of: request, by: process)
        }
    }

    private func storeAnswers() -> Bool {
        if !storeIsReachable { probes.hit(.storeUnreachable) }
        return storeIsReachable
    }

    private func noteOrder(of request: Request) {
        let newest = newestArrived[request.node] ?? 0
        if request.isCopy {
            probes.hit(request.number < newest ? .lateCopyTaken : .copyTaken)
        } else if request.number < newest {
            probes.hit(.requestsReordered)
        }
        newestArrived[request.node] = max(newest, request.number)
    }

    /// What a failed script wrote is ahead of its watermark and nobody's seed.
    private func dropHalfWritten(_ partition: Int32?, region: Int) {
        for shard in shape.shardsOfRegion[region] where store.isHalfWritten(shard) {
            guard partition == nil || shape.shards[shard].id.partition == partition,
                store.stored(shard) != nil
            else { continue }
            store.dropWatermark(shard)
            noteStoreLoss(shards: [shard])
        }
    }

    private func take(
        _ decoded: DecodedRequest, of request: Request, by process: HeadquartersProcess
    ) {
        if process.clockError != 0 { probes.hit(.headquartersClockWrong) }
        let deltas = decoded.request
        guard let region = shape.region(deltas.region) else { return answer(request, .failure) }
        let context = MergeContext(
            deltas, knownLogs: shape.knownLogs(region: region), now: clock(of: process))
        let task = IngestTask(
            process: process, request: request, deltas: deltas, context: context, region: region)
        for (index, isFirst) in ShardMerge.isFirstOfItsShard(deltas.shards).enumerated() {
            if isFirst {
                task.pending.append(index)
            } else {
                task.replies[index] = Self.refusal(.malformed, of: deltas.shards[index])
            }
        }
        schedule(.ingest(task), after: storeRandom.wait(mean: options.storeWait))
    }

    func ingest(_ task: IngestTask) {
        // The process that worked on it is gone, and the connection with it.
        guard task.process.isRunning, task.process.incarnation == task.incarnation else { return }
        guard storeAnswers() else { return answer(task.request, .failure) }
        switch task.stage {
        case .read: read(task)
        case .write: write(task)
        }
    }

    private func read(_ task: IngestTask) {
        repairSuspects(task.process)
        task.attempt += 1
        task.readings = task.pending.map { index in
            let delta = task.deltas.shards[index]
            guard let shard = shardNumber(of: delta, region: task.region) else {
                return ShardReading()
            }
            let minutes = ShardMerge.minutesToRead(delta, context: task.context)
            if store.isHalfWritten(shard) {
                // Whoever's script failed may not be there to repair what it left.
                task.process.suspects += minutes.buckets.map(\.number)
                repairSuspects(task.process)
            }
            return store.reading(shard, minutes)
        }
        task.stage = .write
        schedule(.ingest(task), after: storeRandom.wait(mean: options.storeWait))
    }

    private func shardNumber(of delta: ShardDelta, region: Int) -> Int? {
        shape.number(
            of: ShardID(
                region: shape.regions[region], log: delta.log, partition: delta.partition))
    }

    private func write(_ task: IngestTask) {
        var step = CommitStep()
        var writing: [Int] = []
        for (index, reading) in zip(task.pending, task.readings) {
            let delta = task.deltas.shards[index]
            let decision = ShardMerge.decide(delta, reading: reading, context: task.context)
            task.replies[index] = decision.reply
            note(decision, of: delta, over: reading, task)
            guard let commit = decision.commit, let shard = shape.number(of: commit.shard) else {
                continue
            }
            step.commits.append(commit)
            step.shards.append(shard)
            writing.append(index)
        }
        guard !step.commits.isEmpty else { return finish(task) }
        for log in shape.logsOfRegion[task.region] {
            if let count = task.deltas.partitionCounts[shape.logs[log].id], count > 0 {
                step.partitionCounts.append((log, count))
            }
        }
        // Six shards within the bounds of a bucket never overflow.
        guard let differences = GlobalDifference.sum(of: step.commits) else {
            return fail("the sum of six shards' differences overflowed")
        }
        let limit = armed.failScript ? storeRandom.within(1...step.operations) : nil
        let before = step.shards.map { store.stored($0)?.watermark }
        let result = store.commit(step, differences: differences, failingAfter: limit)
        _ = store.expire(at: now)
        switch result {
        case .conflict:
            probes.hit(.casConflict)
            retry(task, writing)
        case .failed:
            armed.failScript = false
            probes.hit(.scriptFailed)
            trace("script failed after \(limit ?? 0) operations")
            task.process.suspect(step.commits)
            check(afterPartial: step)
            if storeRandom.happens(perMille: 250) {
                // Nobody is left to repair what the script left.
                return crashHeadquarters(task.process.number)
            }
            retry(task, writing)
        case .written:
            written(step, before: before, task: task)
        }
    }

    private func retry(_ task: IngestTask, _ indices: [Int]) {
        guard task.attempt < Self.commitAttempts else {
            for index in indices {
                task.replies[index] = Self.refusal(.store, of: task.deltas.shards[index])
            }
            return finish(task)
        }
        task.pending = indices
        task.stage = .read
        schedule(.ingest(task), after: storeRandom.wait(mean: options.storeWait))
    }

    private func written(_ step: CommitStep, before: [Int64?], task: IngestTask) {
        tally.commits += step.commits.count
        for (index, shard) in step.shards.enumerated() {
            check(commit: step.commits[index], shard: shard, before: before[index], task: task)
        }
        if armed.loseReply {
            // The write took effect and HQ never learns it.
            armed.loseReply = false
            probes.hit(.unknownOutcome)
            task.process.suspect(step.commits)
            return answer(task.request, .failure)
        }
        if armed.crashAfterApply {
            armed.crashAfterApply = false
            probes.hit(.crashedAfterApply)
            return crashHeadquarters(task.process.number)
        }
        finish(task)
    }

    private func finish(_ task: IngestTask) {
        let reply = DeltaReply(
            shards: task.replies.compactMap { $0 }, serverTime: task.context.now)
        answer(task.request, .deltas(DeltaCodec.encode(reply)))
    }

    private static func refusal(_ reason: RefusalReason, of delta: ShardDelta) -> ShardReply {
        ShardReply(
            log: delta.log, partition: delta.partition, outcome: .refused(reason), watermark: 0,
            completeFrom: nil)
    }

    /// Makes the sums right that a failed script of this process may have left wrong.
    func repairSuspects(_ process: HeadquartersProcess) {
        guard !process.suspects.isEmpty else { return }
        var minutes: [Int32] = []
        for minute in process.suspects.sorted() where minutes.last != minute {
            minutes.append(minute)
        }
        if minutes.contains(where: { !store.wrongSums(minute: $0).isEmpty }) {
            probes.hit(.halfScriptRepaired)
        }
        store.repair(minutes)
        process.suspects = []
    }

    /// What HQ does once a minute, and when it has started.
    func maintain(_ process: HeadquartersProcess) {
        if storeIsReachable {
            repairSuspects(process)
            store.pruneChanges()
            if process.comparedOn != store.connection {
                process.comparedOn = store.connection
                let dropped = store.verify()
                sumsAreDoubtful = false
                if !dropped.isEmpty {
                    probes.hit(.verificationDroppedWatermark)
                    trace("verification dropped the watermarks of \(dropped)")
                    noteStoreLoss(shards: dropped)
                }
            }
        }
        schedule(
            .maintenance(headquarters: process.number, incarnation: process.incarnation),
            after: 60_000)
    }

    func clock(of process: HeadquartersProcess) -> UnixTime {
        UnixTime(milliseconds: now + process.clockError)
    }
}

extension CommitStep {
    /// About how many operations the script runs.
    var operations: Int {
        2 + commits.reduce(0) { $0 + 2 * $1.changes.count + $1.late.count + 3 }
    }
}
