import CivilTime
import DeltaCodec
import DeltaProtocol
import Federation
import Identifiers

/// HQ's side of the delta protocol: the real codec and the real commit round, with a model of the
/// store. This code takes no decisions about a request.
extension World {
    /// Smaller than some requests in this world, so that rounds need several reads and scripts.
    static let bounds = {
        var bounds = CommitRound.Bounds()
        bounds.hashesPerRead = 2_000
        bounds.bucketsPerWrite = 20
        return bounds
    }()
    /// How often all sums are compared with their shards, in milliseconds.
    private static let verificationMilliseconds: Int64 = 300_000

    func requestArrived(_ request: Request) {
        guard isOpen(request, \.up) else { return lose("request", of: request.node) }
        noteOrder(of: request)
        let site = sites[request.hq]
        let running = headquarters.filter { $0.isRunning && $0.site === site }
        guard !running.isEmpty else { return answer(request, .failure) }
        let process = headquartersRandom.pick(running)
        switch request.content {
        case .statuses(let partition, let withValues):
            guard storeAnswers(site), adoptTopology(process) else {
                return answer(request, .failure)
            }
            repairSuspects(process)
            if withValues { dropHalfWritten(partition, region: request.region, at: site) }
            let present = present(of: process)
            let statuses = site.store.statuses(
                region: request.region, partition: partition, withValues: withValues,
                now: present, shape: shape)
            answer(
                request,
                .statuses(
                    DeltaCodec.encode(ShardStatuses(shards: statuses, serverTime: present))))
        case .deltas(let bytes):
            guard let decoded = try? DeltaCodec.decodeRequest(bytes) else {
                probes.hit(.truncatedRequestRefused)
                return answer(request, .failure)
            }
            begin(decoded.request, of: request, by: process)
        }
    }

    private func storeAnswers(_ site: Site) -> Bool {
        if !site.isReachable { probes.hit(.storeUnreachable) }
        return site.isReachable
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

    /// The buckets of a failed script are ahead of their watermark and must seed no node.
    private func dropHalfWritten(_ partition: Int32?, region: Int, at site: Site) {
        for shard in shape.shardsOfRegion[region]
        where site.store.isHalfWritten(shard) && !site.store.isFilling(shard) {
            guard partition == nil || shape.shards[shard].id.partition == partition,
                site.store.stored(shard) != nil
            else { continue }
            site.store.dropWatermark(shard)
            noteStoreLoss(shards: [shard], at: site)
        }
    }

    // MARK: - Rounds

    private func begin(
        _ deltas: DeltaRequest, of request: Request, by process: HeadquartersProcess
    ) {
        if process.clockError != 0 { probes.hit(.headquartersClockWrong) }
        guard let region = shape.region(deltas.region) else { return answer(request, .failure) }
        let settings = CommitRound.Settings(
            knownLogs: knownLogs(of: region, by: process.topology),
            fixedPartitions: fixedPartitions(of: region, by: process),
            currentLog: countedLogs(of: region, by: process.topology).last.map {
                shape.logs[$0].id
            },
            comparesDigests: true, bounds: Self.bounds)
        process.memory.clock.hear(deltas.sentAt, of: deltas.region, at: reading(of: process))
        if (deltas.sentAt.milliseconds - now).magnitude > HeadquartersClock.skewMilliseconds {
            process.heardWrongAt = elapsed
        }
        let task = RoundTask(
            process: process, request: request, region: region,
            round: CommitRound(deltas, settings: settings, now: present(of: process)))
        tell(task, .begun)
    }

    /// Reports the result of a round's last action, and performs the next one when the store has
    /// time.
    private func tell(_ task: RoundTask, _ event: CommitRound.Event) {
        let process = task.process
        let compared = process.memory.audit.counters
        let comparison = task.round.comparison
        let action = task.round.handle(
            event, at: present(of: process), memory: &process.memory)
        if process.memory.audit.counters.differences > compared.differences {
            probes.hit(.auditDiffered)
            process.foundDriftAt = elapsed
            trace(
                "headquarters \(process.number) finds "
                    + "\(comparison.map { "\($0.shard)" } ?? "nothing") to differ")
            if let comparison { checkDifference(comparison.shard, task) }
        }
        switch action {
        case .read, .write:
            let mean = isHealed ? min(options.storeWait, 300) : options.storeWait
            schedule(.round(task, action), after: storeRandom.wait(mean: mean))
        case .repair, .digest, .answer, .giveUp: perform(action, of: task)
        }
    }

    func perform(_ action: CommitRound.Action, of task: RoundTask) {
        guard !task.isAbandoned else { return }
        let process = task.process
        let site = process.site
        switch action {
        case .answer(let reply):
            note(reply, task)
            return answer(task.request, .deltas(DeltaCodec.encode(reply)))
        case .giveUp: return answer(task.request, .failure)
        default: break
        }
        guard storeAnswers(site) else { return tell(task, .storeFailed) }
        switch action {
        case .repair(let minutes):
            guard adoptTopology(process), removeReplacedLogsOnce(of: task.region, process) else {
                return tell(task, .storeFailed)
            }
            process.suspects.add(minutes)
            repairSuspects(process)
            tell(task, .repaired)
        case .read(let questions):
            tell(task, .read(questions.map { read($0, task) }))
        case .write(let step): write(step, task)
        case .digest(let shard, let minutes):
            task.digested = minutes
            tell(task, .digested(shape.number(of: shard).flatMap { digest($0, minutes, site) }))
        case .answer, .giveUp: break
        }
    }

    private func read(_ question: ShardQuestion, _ task: RoundTask) -> ShardReading {
        let id = ShardID(
            region: shape.regions[task.region], log: question.log, partition: question.partition)
        guard let shard = shape.number(of: id) else { return ShardReading() }
        let reading = task.process.site.store.reading(shard, question.minutes)
        task.readings[shard] = (reading, elapsed)
        return reading
    }

    private func write(_ wanted: CommitStep, _ task: RoundTask) {
        let site = task.process.site
        var step = StoreStep(wanted, shape: shape)
        step.topology = task.process.topology
        for log in shape.logsOfRegion[task.region] {
            let id = shape.logs[log].id
            if let entry = wanted.partitionCounts.first(where: { $0.log == id }) {
                step.partitionCounts.append((log, entry.count))
            }
        }
        let limit = armed.failScript ? storeRandom.within(1...step.operations) : nil
        let before = step.shards.map { site.store.stored($0)?.watermark }
        let result = site.store.commit(step, failingAfter: limit)
        _ = site.store.expire(at: now)
        switch result {
        case .conflict:
            probes.hit(.casConflict)
            tell(task, .conflicted)
        case .otherTopology:
            task.process.adoption.hasChanged()
            tell(task, .conflicted)
        case .failed:
            armed.failScript = false
            probes.hit(.scriptFailed)
            trace("script failed after \(limit ?? 0) operations")
            task.process.suspects.doubt(wanted.commits)
            check(afterPartial: step, task)
            if storeRandom.happens(perMille: 250) {
                // No process is left to repair the effects of the script.
                return crashHeadquarters(task.process.number)
            }
            tell(task, .failed)
        case .written: written(step, before: before, task)
        }
    }

    private func written(_ step: StoreStep, before: [Int64?], _ task: RoundTask) {
        let process = task.process
        guard step.isLast else { return writtenInPart(step, task) }
        tally.commits += step.commits.count
        noteCommit(at: process.site)
        for (index, shard) in step.shards.enumerated() {
            check(commit: step.commits[index], shard: shard, before: before[index], task)
        }
        if armed.loseReply {
            // The write took effect, but HQ never learns it.
            armed.loseReply = false
            probes.hit(.unknownOutcome)
            process.suspects.doubt(step.commits)
            return tell(task, .storeFailed)
        }
        if armed.crashAfterApply {
            armed.crashAfterApply = false
            probes.hit(.crashedAfterApply)
            return crashHeadquarters(process.number)
        }
        tell(task, .written)
    }

    /// One step of several: the rest follows unless the writer is cut off.
    private func writtenInPart(_ step: StoreStep, _ task: RoundTask) {
        probes.hit(.commitFilled)
        check(afterPartial: step, task)
        guard !isHealed, options.fillingCutShare > 0,
            keyRandom.happens(perMille: options.fillingCutShare)
        else { return tell(task, .written) }
        probes.hit(.fillingCut)
        trace("headquarters \(task.process.number) is cut off as it fills \(step.shards)")
        guard keyRandom.happens(perMille: 500) else {
            return crashHeadquarters(task.process.number)
        }
        task.process.suspects.doubt(step.commits)
        tell(task, .storeFailed)
    }

    // MARK: - Audit

    private func digest(
        _ shard: Int, _ minutes: ClosedRange<Minute>, _ site: Site
    ) -> StoredDigest? {
        guard let stored = site.store.stored(shard), !site.store.isHalfWritten(shard) else {
            return nil
        }
        var digest = ShardDigest()
        let reading = site.store.reading(
            shard, MinutesToRead(buckets: Array(minutes), late: Array(minutes)))
        for bucket in reading.buckets { digest.add(bucket, isLate: false) }
        for bucket in reading.late { digest.add(bucket, isLate: true) }
        return StoredDigest(
            watermark: stored.watermark, claims: stored.claims, digest: digest)
    }

    /// The audit finds only values that were written behind HQ's back.
    private func checkDifference(_ id: ShardID, _ task: RoundTask) {
        let site = task.process.site
        guard let shard = shape.number(of: id), !site.sumsAreDoubtful,
            let minutes = task.digested, minutes.lowerBound.number >= firstComparable(at: site),
            site.checks[shard].spoiled.isEmpty, site.checks[shard].partialOnce == 0
        else { return }
        fail("the audit finds a difference in \(id), which is undamaged")
    }

    // MARK: - Maintenance

    /// Repairs sums that a failed script of this process may have left wrong.
    func repairSuspects(_ process: HeadquartersProcess) {
        guard !process.suspects.isEmpty else { return }
        let minutes = process.suspects.minutes.sorted().map(\.number)
        let store = process.site.store
        if minutes.contains(where: { !store.wrongSums(minute: $0).isEmpty }) {
            probes.hit(.halfScriptRepaired)
        }
        process.site.store.repair(minutes)
        process.suspects = SuspectMinutes()
    }

    /// HQ's work once a minute, and after its start.
    func maintain(_ process: HeadquartersProcess) {
        let site = process.site
        if site.isReachable, adoptTopology(process) {
            repairSuspects(process)
            for region in shape.regions.indices { _ = removeReplacedLogs(of: region, process) }
            site.store.pruneChanges()
            verify(site, process)
        }
        schedule(
            .maintenance(headquarters: process.number, incarnation: process.incarnation),
            after: 60_000)
    }

    /// Compares minutes that the key count makes suspicious; all minutes periodically and on a new
    /// connection.
    private func verify(_ site: Site, _ process: HeadquartersProcess) {
        let losses = process.census.take(site.store.keyCounts(shape), storeID: site.store.id)
        let isDue =
            process.comparedOn != site.store.connection
            || elapsed >= process.comparedAt + Self.verificationMilliseconds
        if isDue {
            (process.comparedOn, process.comparedAt) = (site.store.connection, elapsed)
            site.sumsAreDoubtful = false
        }
        if !losses.isEmpty { probes.hit(.keysMissed) }
        let dropped = site.store.verify(
            isDue ? nil : losses.keys.map(\.number), losses: losses, shape: shape)
        process.census.wereCompared(losses.keys)
        site.store.settleChanges()
        guard !dropped.isEmpty else { return }
        probes.hit(.verificationDroppedWatermark)
        trace("verification dropped the watermarks of \(dropped)")
        noteStoreLoss(shards: dropped, at: site)
    }

    // MARK: - Time

    func reading(of process: HeadquartersProcess) -> HeadquartersClock.Reading {
        HeadquartersClock.Reading(
            wall: UnixTime(milliseconds: now + process.clockError),
            uptime: now - options.startedAt)
    }

    /// HQ's present, which may be wrong.
    func present(of process: HeadquartersProcess) -> UnixTime {
        let present = process.memory.clock.present(at: reading(of: process))
        process.site.lead = max(process.site.lead, present.milliseconds - now)
        firstTaken = max(firstTaken, StoreRetention.first(now: present).number)
        return present
    }
}

extension StoreStep {
    /// The approximate number of operations in the script.
    var operations: Int {
        2 + commits.reduce(0) { $0 + 2 * $1.changes.count + $1.late.count + 3 }
    }
}
