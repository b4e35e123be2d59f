import CivilTime
import DeltaProtocol
import Logging
import Platform
import Publishing

/// Saves the published values in a file, on its own thread. After a restart, HQ continues from the
/// file if the store has lost data. Any task may call its methods.
///
/// The file belongs to one process. Problems with it are logged; they never make publishing wait
/// or fail.
final class StateKeeper: Sendable {
    /// Milliseconds that a checkpoint may be ahead of HQ's clock; beyond that, a clock was wrong.
    private static let futureMilliseconds: Int64 = 300_000
    private static let ageMillisecondsMax = Int64(Limits.windowMinutes) * 60_000

    /// The kind of checkpoint to write next.
    enum Next: Sendable {
        case whole
        case changes
    }

    private struct State: ~Copyable {
        var file: StateFile
        var isFailing = false
    }

    private let path: String
    private let logger: Logger
    private let thread: WorkerThread<State>

    /// - Throws: `WorkerThreadError` if the thread cannot start.
    init(path: String, logger: Logger) throws(WorkerThreadError) {
        self.path = path
        self.logger = logger
        thread = try WorkerThread(name: "hq-state", capacity: 16) {
            State(file: StateFile(path: path))
        }
    }

    /// The values published before the restart. Returns nil and logs the reason if the file is
    /// missing or unusable.
    func load(now: UnixTime) async -> PublicationCheckpoint? {
        let bytes: [UInt8]
        do {
            let read = try await thread.perform { state in try state.file.read() }
            guard let read else {
                logger.notice("no state file of an earlier run", metadata: ["file": "\(path)"])
                return nil
            }
            bytes = read
            let found = try await thread.perform { _ in try CheckpointCodec.decode(bytes) }
            if let problem = Self.objection(to: found.checkpoint, now: now) {
                refuse(problem)
                return nil
            }
            let age = now.milliseconds - found.checkpoint.takenAt.milliseconds
            logger.notice(
                "continuing from the state file of an earlier run",
                metadata: [
                    "file": "\(path)", "bytes": "\(bytes.count)", "changes": "\(found.changes)",
                    "ignored_bytes": "\(found.ignoredBytes)", "age_ms": "\(age)",
                ])
            return found.checkpoint
        } catch {
            refuse("\(error)")
            return nil
        }
    }

    private static func objection(
        to checkpoint: PublicationCheckpoint, now: UnixTime
    ) -> String? {
        let latest = now + futureMilliseconds
        if checkpoint.takenAt > latest || checkpoint.currentMinute > latest.minute
            || checkpoint.dataAsOf > latest
        {
            return "taken in the future"
        }
        if checkpoint.takenAt < now - ageMillisecondsMax {
            return "all of its minutes have left the window"
        }
        return nil
    }

    private func refuse(_ problem: String) {
        logger.error(
            "ignoring the state file of an earlier run",
            metadata: ["file": "\(path)", "problem": "\(problem)"])
    }

    /// Writes a checkpoint and returns the kind of the next one. A whole one survives a power
    /// cut.
    func keep(_ checkpoint: PublicationCheckpoint) async -> Next {
        await write { (file) throws(FileError) in
            if checkpoint.isWhole {
                try file.replace(with: checkpoint)
            } else {
                try file.append(checkpoint)
            }
        }
    }

    /// Makes the changes written so far survive a power cut.
    func sync() async {
        _ = await write { (file) throws(FileError) in try file.sync() }
    }

    private func write(
        _ body: @escaping @Sendable (inout StateFile) throws(FileError) -> Void
    ) async -> Next {
        let (logger, path) = (logger, path)
        let next = try? await thread.perform { state -> Next in
            do throws(FileError) {
                try body(&state.file)
                if state.isFailing { logger.notice("writing the state file succeeds again") }
                state.isFailing = false
            } catch {
                if !state.isFailing {
                    logger.error(
                        "cannot write the state file",
                        metadata: ["file": "\(path)", "problem": "\(error)"])
                }
                state.isFailing = true
            }
            return state.file.wantsWhole ? .whole : .changes
        }
        return next ?? .whole
    }

    /// Ends the thread.
    func stop() async { await thread.stop() }
}
