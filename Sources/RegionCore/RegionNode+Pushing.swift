import Aggregation
import CivilTime
import DeltaProtocol
import Pacing

/// Pushes and HQ's replies to them.
extension RegionNode {
    /// A shard whose rebuild takes longer than this is pushed before it has caught up, in
    /// milliseconds.
    private static let showRebuildAfterMilliseconds: Int64 = 10_000
    /// The only HQ whose commands the node executes and that receives their outcomes.
    private static let authority = 0

    mutating func push(to hq: Int, _ now: UnixTime, _ actions: inout [RegionAction]) {
        guard links[hq].question == nil, !isAsked(hq), let ahead = links[hq].ahead,
            !links[hq].isResting(at: now)
        else { return }
        var deltas: [ShardDelta] = []
        for shard in foldingShards
        where shard.isVerified && (shard.isCaughtUp || isOverdue(shard, now)) {
            if let delta = shard.pushes[hq].delta(of: &shard.fold, now: now, ahead: ahead) {
                deltas.append(delta)
            }
        }
        guard !deltas.isEmpty else { return }
        let outcomes = hq == Self.authority ? commands.outcomes : []
        let request = DeltaRequest(
            foldVersion: settings.fold.version, region: settings.region, node: settings.node,
            sentAt: now + wallAhead, partitionCounts: [settings.log: settings.partitionCount],
            shards: deltas, outcomes: outcomes,
            commandsTaken: hq == Self.authority ? Limits.commandsPerReply : 0)
        let number = numbered()
        links[hq].question = .init(
            number: number,
            kind: .push(waiting: Set(deltas.map(\.partition)), outcomes: outcomes))
        links[hq].rest(for: settings.pushMilliseconds, from: now)
        actions.append(.push(hq: hq, question: number, request))
    }

    private func isOverdue(_ shard: FoldingShard, _ now: UnixTime) -> Bool {
        if shard.joinedAt > now { shard.joinedAt = now }
        return shard.joinedAt + Self.showRebuildAfterMilliseconds <= now
    }

    // MARK: - Answers

    mutating func take(
        _ reply: DeltaReply, isLast: Bool, from hq: Int, _ question: Int, _ now: UnixTime,
        _ actions: inout [RegionAction]
    ) {
        guard links.indices.contains(hq), var open = links[hq].question, open.number == question,
            case .push(var waiting, let outcomes) = open.kind
        else { return }
        answered(hq, at: reply.serverTime, now, &actions)
        if hq == Self.authority {
            // The push's first part carries the outcomes.
            commands.wereTold(outcomes)
            take(reply.commands, &actions)
        }
        for answer in reply.shards where answer.log == settings.log {
            guard waiting.remove(answer.partition) != nil,
                let shard = shards[answer.partition]?.folding
            else { continue }
            take(answer, of: shard, from: hq, now, &actions)
        }
        guard isLast else {
            open.kind = .push(waiting: waiting, outcomes: [])
            links[hq].question = open
            return
        }
        fail(waiting, at: hq)
        links[hq].question = nil
    }

    private mutating func take(
        _ answer: ShardReply, of shard: FoldingShard, from hq: Int, _ now: UnixTime,
        _ actions: inout [RegionAction]
    ) {
        let before = shard.pushes[hq].refusal
        shard.pushes[hq].answered(answer, of: &shard.fold)
        guard !shard.fold.hasForeignRecord else {
            return stop(shard.partition, .foreignRecord, &actions)
        }
        if answer.outcome == .refused(.fingerprint) {
            return stop(shard.partition, .foreignRecord, &actions)
        }
        switch answer.outcome {
        case .behind: links[hq].rest(for: 0, from: now)
        case .refused(let reason) where before != reason:
            actions.append(
                .note(
                    Note(
                        .error, "shard refused by HQ",
                        ["partition": "\(answer.partition)", "reason": reason.rawValue])))
        default: break
        }
    }

    /// Closes the open question, and sends nothing for a while.
    mutating func noAnswer(
        _ reason: NoAnswer, from hq: Int, _ question: Int, _ now: UnixTime,
        _ actions: inout [RegionAction]
    ) {
        guard links.indices.contains(hq), let open = links[hq].question, open.number == question
        else { return }
        links[hq].question = nil
        if case .push(let waiting, _) = open.kind { fail(waiting, at: hq) }
        let wait: Duration
        switch reason {
        case .unknown(let problem, let retryAfter):
            wait = links[hq].backoff.wait(after: retryAfter, using: &random)
            note(problem, of: hq, &actions)
        case .refused(let problem):
            wait = links[hq].backoff.waitAfterRefusal(using: &random)
            note(problem, of: hq, &actions)
        }
        links[hq].rest(for: max(wait.milliseconds, settings.pushMilliseconds), from: now)
    }

    private func fail(_ partitions: Set<Int32>, at hq: Int) {
        for partition in partitions { shards[partition]?.folding?.pushes[hq].failed() }
    }

    mutating func answered(
        _ hq: Int, at serverTime: UnixTime, _ now: UnixTime, _ actions: inout [RegionAction]
    ) {
        links[hq].backoff.reset()
        hear(serverTime, of: hq, now, &actions)
        note("", of: hq, &actions)
    }

    /// Logs each change between answering and not answering once.
    private mutating func note(
        _ problem: String, of hq: Int, _ actions: inout [RegionAction]
    ) {
        guard problem != links[hq].problem else { return }
        links[hq].problem = problem
        actions.append(
            .note(
                problem.isEmpty
                    ? Note(.notice, "HQ answers", ["hq": "\(hq)"])
                    : Note(.warning, "HQ does not answer", ["hq": "\(hq)", "problem": problem])))
    }

    // MARK: - Commands

    private mutating func take(_ offered: [NodeCommand], _ actions: inout [RegionAction]) {
        // One that stops would not be there to say what became of it.
        guard stoppingUntil == nil else { return }
        for command in offered {
            switch command.kind {
            case .publish(let correction):
                // Another node has partition 0 by now, and HQ will offer it there.
                guard shards[0]?.folding?.isAssigned ?? false, commands.takes(command.id) else {
                    continue
                }
                actions.append(
                    .publish(
                        command: command.id, partition: 0,
                        record: CorrectionRecord.bytes(id: command.id, correction)))
            }
        }
    }

    mutating func publishingFailed(
        _ id: String, _ problem: String, _ actions: inout [RegionAction]
    ) {
        // A truncated character becomes one of three bytes.
        let kept = String(decoding: problem.utf8.prefix(Limits.problemBytes - 3), as: UTF8.self)
        commands.note(.failed(problem: kept), of: id)
        actions.append(
            .note(
                Note(.error, "a correction was not published", ["id": id, "error": problem])))
    }
}
