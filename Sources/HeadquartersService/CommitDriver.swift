import CivilTime
package import DeltaProtocol
package import Federation
package import Identifiers
import Logging
import Platform
import Recording
import RedisStore
import Synchronization

/// The state that the commit rounds of an HQ process share with everything that requests commands.
package final class CommitState: Sendable {
    struct Guarded {
        var memory = CommitMemory()
        var recorder: RoundRecorder?
        var rounds = 0
    }

    let guarded = Mutex(Guarded())

    package init() {}

    func record(_ recorder: RoundRecorder) {
        guarded.withLock { $0.recorder = recorder }
    }

    /// Ends the recording after its last entry.
    func stopRecording() {
        guarded.withLock { state in
            state.recorder?.flush()
            state.recorder = nil
        }
    }

    /// HQ's current time.
    func present(at reading: HeadquartersClock.Reading) -> UnixTime {
        guarded.withLock { $0.memory.clock.present(at: reading) }
    }

    /// Problems of regions that commit rounds detect but published figures do not show.
    func findings(at reading: HeadquartersClock.Reading) -> RegionFindings {
        guarded.withLock { $0.memory.findings(at: reading) }
    }

    /// Asks the region's nodes to execute a command. Repeating an id changes nothing.
    ///
    /// - Returns: False if too many commands of the region are open, or the command exceeds its
    ///   limits.
    package func ask(_ command: NodeCommand, of region: RegionID) -> Bool {
        guarded.withLock { state in
            // The desk refuses a command outside its limits, and a replay could not decode it.
            if command.isWithinLimits { state.recorder?.note(asked: command, of: region) }
            return state.memory.commands.ask(command, of: region)
        }
    }

    /// The progress of a command; nil for an unknown or forgotten id.
    package func progress(of id: String, region: RegionID) -> CommandDesk.Progress? {
        guarded.withLock { $0.memory.commands.progress(of: id, region: region) }
    }
}

/// Drives commit rounds over the global Redis.
struct CommitDriver: Sendable {
    let store: RedisStore
    let state: CommitState
    let logger: Logger

    /// The reply to the request. Throws if the store does not answer.
    func commit(
        _ request: DeltaRequest, settings: CommitRound.Settings
    ) async throws -> DeltaReply {
        let reading = SystemClock.reading()
        let (number, now) = state.guarded.withLock { guarded in
            guarded.memory.clock.hear(request.sentAt, of: request.region, at: reading)
            let now = guarded.memory.clock.present(at: reading)
            guarded.rounds += 1
            guarded.recorder?.note(round: guarded.rounds, request, settings, at: now)
            return (guarded.rounds, now)
        }
        let round = CommitRound(request, settings: settings, now: now)
        let (state, logger) = (state, logger)
        return try await store.carryOut(round, now: now) { round, event in
            let now = state.present(at: SystemClock.reading())
            let compared = round.comparison
            let (action, differences) = state.guarded.withLock { guarded in
                let before = guarded.memory.audit.counters.differences
                let action = round.handle(event, at: now, memory: &guarded.memory)
                guarded.recorder?.note(round: number, event, at: now, action)
                return (action, guarded.memory.audit.counters.differences - before)
            }
            if let compared { Self.log(event, compared, isDifferent: differences > 0, logger) }
            return action
        }
    }

    /// Logs the result of a comparison.
    private static func log(
        _ event: CommitRound.Event, _ compared: (shard: ShardID, coverage: Int64),
        isDifferent: Bool, _ logger: Logger
    ) {
        let metadata: Logger.Metadata = [
            "shard": "\(compared.shard)", "coverage": "\(compared.coverage)",
        ]
        switch event {
        case .digested where isDifferent:
            logger.error(
                "Redis differs from the region for a shard at the same coverage",
                metadata: metadata)
        case .storeFailed: logger.debug("digest not compared", metadata: metadata)
        default: break
        }
    }
}
