import Aggregation
import DeltaCodec
import DeltaProtocol
import RegionCore

/// A client's handling of HQ's answers, and of missing ones.
extension World {
    /// Late answers reach the node too: ignoring them is the node's job.
    func replyArrived(_ reply: Reply, at process: NodeProcess) {
        let request = reply.request
        let host = process.hosts[request.host]
        let isWaitedFor = host.waitingRequest[request.hq] == request.number
        if isWaitedFor {
            host.waiting[request.hq] = nil
            host.waitingRequest[request.hq] = nil
        } else {
            probes.hit(.replyTooLate)
        }
        let before = regressions(of: host)
        let event = event(of: reply, hasMore: isWaitedFor && !host.parts[request.hq].isEmpty)
        tell(process, request.host, event)
        if isWaitedFor {
            if case .reply(_, _, _, isLast: false) = event {
                probes.hit(.pushedInParts)
                pushNext(to: request.hq, request.question, process, request.host)
            } else {
                host.parts[request.hq] = []
            }
        }
        let found = regressions(of: host) - before
        if found > 0 {
            tally.regressions += Int(found)
            probes.hit(.watermarkRegressed)
        }
        scheduleTick(process, after: Self.busyWait)
    }

    /// How often HQs were below a coverage that they had acknowledged.
    private func regressions(of host: NodeHost) -> Int64 {
        host.node.foldingShards.reduce(0) { sum, shard in
            shard.pushes.reduce(sum) { $0 + $1.regressions }
        }
    }

    private func event(of reply: Reply, hasMore: Bool) -> RegionEvent {
        let (hq, question) = (reply.request.hq, reply.request.question)
        let problem: String
        switch reply.content {
        case .failure: problem = "status_503"
        case .deltas(let bytes):
            // Bytes cut between two shards decode, so check that the reply answers each shard of
            // the push.
            if let decoded = try? DeltaCodec.decodeReply(bytes),
                decoded.shards.count == reply.request.shards
            {
                return .reply(hq: hq, question: question, decoded, isLast: !hasMore)
            }
            probes.hit(.truncatedReplyRefused)
            problem = "unintelligible"
        case .statuses(let bytes):
            if let statuses = try? DeltaCodec.decodeStatuses(bytes) {
                return .statuses(hq: hq, question: question, statuses)
            }
            probes.hit(.truncatedReplyRefused)
            problem = "unintelligible"
        }
        return .noAnswer(
            hq: hq, question: question, .unknown(problem: problem, retryAfter: nil))
    }

    func requestTimedOut(
        hq: Int, question: Int, request: Int, _ process: NodeProcess, _ index: Int
    ) {
        let host = process.hosts[index]
        guard host.waiting[hq] == question, host.waitingRequest[hq] == request else { return }
        host.waiting[hq] = nil
        host.waitingRequest[hq] = nil
        host.parts[hq] = []
        tell(
            process, index,
            .noAnswer(
                hq: hq, question: question, .unknown(problem: "timeout", retryAfter: nil)))
    }
}
