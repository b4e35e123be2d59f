import CivilTime
import DeltaProtocol
import Federation
import Logging
import WorkerThread

/// Keeps what the publisher shows in a file, on a thread of its own, so that a restarted HQ beside
/// a store that has lost data goes on from it. Everything here may be called from any task.
///
/// The file belongs to one process. Whatever is wrong with it is logged and lived with: publishing
/// never waits for it, and never fails because of it.
final class StateKeeper: Sendable {
    /// A snapshot taken later than this after HQ's clock, in milliseconds, is of a wrong clock.
    private static let futureMilliseconds: Int64 = 300_000
    private static let ageMillisecondsMax = Int64(Limits.windowMinutes) * 60_000

    /// How the next snapshot has to be.
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

    /// - Throws: `WorkerThreadError` where there can be no thread.
    init(path: String, logger: Logger) throws(WorkerThreadError) {
        self.path = path
        self.logger = logger
        thread = try WorkerThread(name: "hq-state", capacity: 16) {
            State(file: StateFile(path: path))
        }
    }

    /// What was shown before the restart; nil, and logged why, where nothing usable stands there.
    func load(now: UnixTime) async -> PublicationSnapshot? {
        let bytes: [UInt8]
        do {
            let read = try await thread.perform { state in try state.file.read() }
            guard let read else {
                logger.notice("no state of an earlier run", metadata: ["file": "\(path)"])
                return nil
            }
            bytes = read
            let found = try await thread.perform { _ in try SnapshotCodec.decode(bytes) }
            if let problem = Self.objection(to: found.snapshot, now: now) {
                refuse(problem)
                return nil
            }
            let age = now.milliseconds - found.snapshot.takenAt.milliseconds
            logger.notice(
                "going on from the state of an earlier run",
                metadata: [
                    "file": "\(path)", "bytes": "\(bytes.count)", "changes": "\(found.changes)",
                    "ignored_bytes": "\(found.ignoredBytes)", "age_ms": "\(age)",
                ])
            return found.snapshot
        } catch {
            refuse("\(error)")
            return nil
        }
    }

    private static func objection(
        to snapshot: PublicationSnapshot, now: UnixTime
    ) -> String? {
        let latest = now + futureMilliseconds
        if snapshot.takenAt > latest || snapshot.currentMinute > latest.minute
            || snapshot.dataAsOf > latest
        {
            return "taken in the future"
        }
        if snapshot.takenAt < now - ageMillisecondsMax {
            return "nothing of it is left in the window"
        }
        return nil
    }

    private func refuse(_ problem: String) {
        logger.error(
            "state of an earlier run refused",
            metadata: ["file": "\(path)", "problem": "\(problem)"])
    }

    /// Writes a snapshot, a whole one so that it outlives a power cut, and answers how the next one
    /// has to be.
    func keep(_ snapshot: PublicationSnapshot) async -> Next {
        await write { (file) throws(StateFileError) in
            if snapshot.isWhole {
                try file.replace(with: snapshot)
            } else {
                try file.append(snapshot)
            }
        }
    }

    /// Makes the changes written so far outlive a power cut as well.
    func sync() async {
        _ = await write { (file) throws(StateFileError) in try file.sync() }
    }

    private func write(
        _ body: @escaping @Sendable (inout StateFile) throws(StateFileError) -> Void
    ) async -> Next {
        let (logger, path) = (logger, path)
        let next = try? await thread.perform { state -> Next in
            do throws(StateFileError) {
                try body(&state.file)
                if state.isFailing { logger.notice("state is written again") }
                state.isFailing = false
            } catch {
                if !state.isFailing {
                    logger.error(
                        "state not written",
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
