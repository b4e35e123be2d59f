import Aggregation
import DeltaCodec
import DeltaProtocol
import RegionCore

/// What a process's client makes of HQ's answers, and of none.
extension World {
    /// An answer that nobody waits for any more goes to the node all the same: it has to know.
    func replyArrived(_ reply: Reply, at process: NodeProcess) {
        let request = reply.request
        let host = process.hosts[request.host]
        if host.waiting[request.hq] == request.question {
            host.waiting[request.hq] = nil
        } else {
            probes.hit(.replyTooLate)
        }
        let before = regressions(of: host)
        tell(process, request.host, event(of: reply))
        let found = regressions(of: host) - before
        if found > 0 {
            tally.regressions += Int(found)
            probes.hit(.watermarkRegressed)
        }
        scheduleTick(process, after: Self.busyWait)
    }

    /// How often HQs were found before what they had acknowledged.
    private func regressions(of host: NodeHost) -> Int64 {
        host.node.foldingShards.reduce(0) { sum, shard in
            shard.pushes.reduce(sum) { $0 + $1.regressions }
        }
    }

    private func event(of reply: Reply) -> RegionEvent {
        let (hq, question) = (reply.request.hq, reply.request.question)
        let problem: String
        switch reply.content {
        case .failure: problem = "status_503"
        case .deltas(let bytes):
            // Bytes cut between two shards decode: each shard of the push must be answered.
            if let decoded = try? DeltaCodec.decodeReply(bytes),
                decoded.shards.count == reply.request.shards
            {
                return .reply(hq: hq, question: question, decoded, isLast: true)
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

    func requestTimedOut(hq: Int, question: Int, _ process: NodeProcess, _ index: Int) {
        let host = process.hosts[index]
        guard host.waiting[hq] == question else { return }
        host.waiting[hq] = nil
        tell(
            process, index,
            .noAnswer(
                hq: hq, question: question, .unknown(problem: "timeout", retryAfter: nil)))
    }
}
