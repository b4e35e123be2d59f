import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Logging
import Platform

extension StoreConversation {
    /// A round and its next action.
    struct Driven: Sendable {
        var round: CommitRound
        var action: CommitRound.Action
        /// The store's last error, if it did not answer.
        var failure: RedisStoreError?
    }

    /// Drives a round until its commits are finished: to its reply, or to the first comparison.
    mutating func drive(
        _ round: CommitRound, _ first: CommitRound.Event, now: UnixTime, deadline: Deadline,
        _ handle: (inout CommitRound, CommitRound.Event) -> CommitRound.Action
    ) -> Driven {
        var driven = Driven(round: round, action: .giveUp)
        var event = first
        while true {
            driven.action = handle(&driven.round, event)
            do throws(RedisStoreError) {
                guard
                    let next = try perform(
                        driven.action, of: round.request.region, now: now, deadline: deadline)
                else { return driven }
                event = next
            } catch {
                driven.failure = error
                event = .storeFailed
            }
        }
    }

    /// Performs one action of a round and returns the resulting event; nil for an action after the
    /// commits.
    ///
    /// - Throws: If the store does not answer, or not in time.
    private mutating func perform(
        _ action: CommitRound.Action, of region: RegionID, now: UnixTime, deadline: Deadline
    ) throws(RedisStoreError) -> CommitRound.Event? {
        switch action {
        case .repair(let minutes):
            try adoptTopologyOnce(now: now, deadline: deadline)
            try removeReplacedLogsOnce(of: region, now: now, deadline: deadline)
            suspects.add(minutes)
            try repairSuspects(deadline: deadline)
            return .repaired
        case .read(let questions):
            return .read(try read(questions, region: region, deadline: deadline))
        case .write(let step): return try write(step, region: region, deadline: deadline)
        case .digest, .answer, .giveUp: return nil
        }
    }

    /// Writes the removal of a shard; false if it must be retried.
    mutating func write(
        _ removal: ShardCommit, deadline: Deadline
    ) throws(RedisStoreError) -> Bool {
        // A single shard never overflows.
        let steps = CommitFilling.steps(
            of: [removal], salt: Self.randomID(),
            bucketsMax: CommitRound.Bounds().bucketsPerWrite)
        for step in steps ?? [] {
            let done = try write(step, region: removal.shard.region, deadline: deadline)
            guard done == .written else { return false }
        }
        return steps != nil
    }

    /// Writes a step in one script.
    private mutating func write(
        _ step: CommitStep, region: RegionID, deadline: Deadline
    ) throws(RedisStoreError) -> CommitRound.Event {
        let arguments = CommitArguments.make(
            region: region, step, topology: configuration.topology)
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
            try doubt(step.commits, error)
            return .failed
        }
        switch word {
        case "written":
            guard step.isLast else { return .written }
            counters.update { counters in
                for commit in step.commits {
                    let isPart = commit.expectedLiveness.map(ShardLiveness.isFilling) ?? false
                    counters.ignoredBuckets += commit.ignoredBuckets
                    if commit.changes.isEmpty, commit.late.isEmpty, !isPart {
                        counters.touches += 1
                    }
                }
            }
            return .written
        case "failed":
            try doubt(step.commits, RedisStoreError(.server("an error midway"), doing: doing))
            return .failed
        case "topology":
            topologyHasChanged()
            return .conflicted
        default: return .conflicted
        }
    }

    /// Remembers what a failed script may have touched. Returns if retrying after a repair can
    /// help; throws if there is no connection or the store does not accept writes.
    private mutating func doubt(
        _ commits: [ShardCommit], _ error: RedisStoreError
    ) throws(RedisStoreError) {
        switch error.code {
        case .unavailable, .overloaded, .stopped, .configuration: throw error
        default: break
        }
        suspects.doubt(commits)
        counters.update { $0.failedScripts += 1 }
        logger.warning(
            "a commit failed midway or without an answer",
            metadata: ["reason": "\(error)", "suspect_minutes": "\(suspects.minutes.count)"])
        switch error.code {
        case .timedOut, .connectionLost: throw error
        default: return
        }
    }
}
