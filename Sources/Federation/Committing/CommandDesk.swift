import CivilTime
package import DeltaProtocol
package import Identifiers

/// The commands that an HQ process has for its regions: each is offered to one node at a time,
/// until an outcome says where it was carried out.
///
/// A region only ever calls out, so a command travels in the answer to a push, to a node that
/// pushes partition 0 of the region's current log, where corrections are written, and says that it
/// takes commands.
package struct CommandDesk: Sendable {
    /// A command without an outcome is offered again after this long, in milliseconds.
    package static let offerAgainMilliseconds: Int64 = 10_000
    /// Commands of one region that are not carried out.
    package static let openMax = 1_000
    /// Commands of one region that are remembered behind their end.
    package static let doneMax = 10_000

    /// How far a command has come.
    package enum Progress: Hashable, Sendable {
        /// Not carried out yet; why the last try failed, where one did.
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
        /// Ids in the order in which they were asked for.
        var open: [String] = []
        var done: [String] = []
    }

    private var trays: [RegionID: Tray] = [:]

    package init() {}

    /// Asks a region for a command. An id that was asked for before changes nothing.
    ///
    /// - Returns: False where the region has `openMax` open commands already, or the command is
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

    /// What the answer to `request` asks of its node.
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
