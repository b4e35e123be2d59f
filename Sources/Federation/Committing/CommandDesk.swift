import CivilTime
package import DeltaProtocol
package import Identifiers

/// An HQ process's commands for its regions. Each is offered to one node at a time, until an
/// outcome reports where it was published.
///
/// A region only ever calls out, so commands travel in replies to pushes. They go to a node that
/// pushes partition 0 of the region's current log, where corrections are written, and that accepts
/// commands.
package struct CommandDesk: Sendable {
    /// A command without an outcome is offered again after this long, in milliseconds.
    package static let offerAgainMilliseconds: Int64 = 10_000
    /// Maximum number of open commands per region.
    package static let openMax = 1_000
    /// Maximum number of finished commands remembered per region.
    package static let doneMax = 10_000

    /// The progress of a command.
    package enum Progress: Hashable, Sendable {
        /// Not executed yet; the last error, if there was one.
        case open(problem: String?)
        case published(partition: Int32, offset: Int64)
    }

    fileprivate struct Entry: Sendable {
        var command: NodeCommand
        var progress = Progress.open(problem: nil)
        var offeredAt: UnixTime?
    }

    private struct Tray: Sendable {
        var entries: [String: Entry] = [:]
        /// Ids in the order of the requests.
        var open: [String] = []
        var done: [String] = []
    }

    private var trays: [RegionID: Tray] = [:]

    package init() {}

    /// Requests a command from a region. A known id has no effect.
    ///
    /// - Returns: False if the region already has `openMax` open commands, or if the command is
    ///   not within its limits.
    package mutating func ask(_ command: NodeCommand, of region: RegionID) -> Bool {
        guard command.isWithinLimits else { return false }
        var tray = trays[region] ?? Tray()
        if tray.entries[command.id] != nil { return true }
        guard tray.open.count < Self.openMax else { return false }
        tray.entries[command.id] = Entry(command: command)
        tray.open.append(command.id)
        trays[region] = tray
        return true
    }

    /// Nil for an unknown id, or one that was forgotten after `doneMax` later ones.
    package func progress(of id: String, region: RegionID) -> Progress? {
        trays[region]?.entries[id]?.progress
    }

    /// Takes the outcomes that a node reports. A published command stays published, even if another
    /// node reports a failure; unknown ids are ignored.
    mutating func take(_ outcomes: [CommandOutcome], of region: RegionID) {
        guard !outcomes.isEmpty, var tray = trays[region] else { return }
        for outcome in outcomes {
            guard var entry = tray.entries[outcome.command], case .open = entry.progress else {
                continue
            }
            switch outcome.result {
            case .published(let partition, let offset):
                entry.progress = .published(partition: partition, offset: offset)
                tray.open.removeAll { $0 == outcome.command }
                tray.done.append(outcome.command)
                if tray.done.count > Self.doneMax {
                    tray.entries[tray.done.removeFirst()] = nil
                }
            case .failed(let problem):
                entry.progress = .open(problem: problem)
            }
            tray.entries[outcome.command] = entry
        }
        trays[region] = tray
    }

    /// The commands to offer in the reply to `request`.
    mutating func offers(
        to request: DeltaRequest, currentLog: LogID?, at now: UnixTime
    ) -> [NodeCommand] {
        guard let currentLog, var tray = trays[request.region], !tray.open.isEmpty,
            request.shards.contains(where: { $0.log == currentLog && $0.partition == 0 })
        else { return [] }
        var offers: [NodeCommand] = []
        let room = min(request.commandsTaken, Limits.commandsPerReply)
        for id in tray.open where offers.count < room {
            guard let entry = tray.entries[id], entry.isDue(at: now) else { continue }
            tray.entries[id]?.offeredAt = now
            offers.append(entry.command)
        }
        trays[request.region] = tray
        return offers
    }
}

extension CommandDesk.Entry {
    /// A clock that jumped back does not withhold a command.
    fileprivate func isDue(at now: UnixTime) -> Bool {
        guard let offeredAt, offeredAt <= now else { return true }
        return offeredAt + CommandDesk.offerAgainMilliseconds <= now
    }
}
