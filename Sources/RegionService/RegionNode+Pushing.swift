import Aggregation
import CivilTime
import DeltaClient
import DeltaProtocol
import Logging
import Topology

/// Pushing what is due, and taking HQ's answers.
extension RegionNode {
    /// A rebuild that takes longer than this is shown as far as it got, in milliseconds.
    private static let showRebuildAfterMilliseconds: Int64 = 10_000

    func push(to index: Int, now: UnixTime) {
        let state = links[index]
        guard !state.isBusy, !hasUnansweredJoin(index), !state.isResting(at: now) else { return }
        var deltas: [ShardDelta] = []
        for shard in foldingShards where shard.isCaughtUp || isOverdue(shard, now: now) {
            if let delta = shard.pushes[index].delta(of: &shard.fold, now: now) {
                deltas.append(delta)
            }
        }
        guard !deltas.isEmpty else { return }
        let request = DeltaRequest(
            foldVersion: settings.version, region: configuration.region.id,
            node: configuration.node, sentAt: now, partitionCounts: [log: partitionCount],
            shards: deltas)
        state.isBusy = true
        state.nextPushAt = now + configuration.pushInterval.milliseconds
        state.link.send(.push(DeltaClient.split(request)))
    }

    /// An HQ is asked for statuses on the same link; those go first.
    private func hasUnansweredJoin(_ index: Int) -> Bool {
        index == joiningLink
            && shards.values.contains {
                guard case .joining = $0.stage, case .unknown = $0.status else { return false }
                return true
            }
    }

    private func isOverdue(_ shard: FoldingShard, now: UnixTime) -> Bool {
        if shard.joinedAt > now { shard.joinedAt = now }
        return shard.joinedAt + Self.showRebuildAfterMilliseconds <= now
    }

    func takeHeadquartersAnswers(now: UnixTime) {
        for (index, state) in links.enumerated() {
            for answer in state.link.inbox.takeAll() {
                switch answer {
                case .idle:
                    state.isBusy = false
                case .statuses(let partition, let answer):
                    if let statuses = value(of: answer, from: state, now: now) {
                        takeStatuses(statuses, partition: partition, from: index)
                    }
                case .push(let request, let answer):
                    guard let reply = value(of: answer, from: state, now: now) else {
                        fail(request, at: index)
                        continue
                    }
                    take(reply, at: index, now: now)
                case .skipped(let request):
                    fail(request, at: index)
                }
            }
        }
    }

    /// What HQ answered; nil, and the link backs off, where it did not.
    private func value<Value>(
        of answer: HeadquartersAnswer<Value>, from state: LinkState, now: UnixTime
    ) -> Value? {
        let wait: Duration
        switch answer {
        case .answered(let value):
            state.backoff.reset()
            note("", of: state)
            return value
        case .retry(let problem, let after):
            wait = state.backoff.wait(after: after, using: &state.random)
            note(problem.description, of: state)
        case .refused(let status, let title):
            wait = state.backoff.waitAfterRefusal(using: &state.random)
            note("\(status) \(title)", of: state)
        }
        state.nextPushAt = now + max(wait, configuration.pushInterval).milliseconds
        return nil
    }

    /// Says once that HQ does not take what is pushed, and once that it does again.
    private func note(_ problem: String, of state: LinkState) {
        guard problem != state.problem else { return }
        if problem.isEmpty {
            logger.notice("HQ answers")
        } else {
            logger.warning("HQ takes nothing", metadata: ["problem": "\(problem)"])
        }
        state.problem = problem
    }

    private func fail(_ request: DeltaRequest, at index: Int) {
        for delta in request.shards {
            shards[delta.partition]?.folding?.pushes[index].failed()
        }
    }

    private func take(_ reply: DeltaReply, at index: Int, now: UnixTime) {
        for answer in reply.shards where answer.log == log {
            guard let shard = shards[answer.partition]?.folding else { continue }
            let before = shard.pushes[index].refusal
            shard.pushes[index].answered(answer, completeFrom: shard.fold.completeFrom)
            if case .behind = answer.outcome { links[index].nextPushAt = now }
            if case .refused(let reason) = answer.outcome, before != reason {
                logger.error(
                    "shard refused by HQ",
                    metadata: [
                        "partition": "\(answer.partition)", "reason": "\(reason.rawValue)",
                    ])
            }
        }
    }
}
