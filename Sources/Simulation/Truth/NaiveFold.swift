import DeltaProtocol

/// The fold rules once more, told from what records mean and kept in plain dictionaries: slow,
/// simple, and sharing no code with the fold that it judges.
struct NaiveFold {
    /// 5 minutes, 25 h 10 min and 25 h.
    private static let ahead: Int64 = 300_000
    private static let horizonMinutes: Int32 = 1_510
    private static let retainedMinutes: Int32 = 1_500
    private static let bound: Int64 = 4_503_599_627_370_496

    enum Outcome: Int {
        case applied
        case duplicate
        case conflict
        case late
        case rejected
        case control
        case void
        case repeatedControl
    }

    struct Cell: Hashable {
        var isLate: Bool
        var minute: Int32
        var column: Int
    }

    /// What a record changed: the cell, what it held and what it holds.
    struct Change {
        var cell: Cell
        var old: BucketValue
        var new: BucketValue
    }

    private struct Sighting {
        var minute: Int32
        var content: TransferMeaning
    }

    private(set) var logTime: Int64?
    private var transfers: [Int: Sighting] = [:]
    private var corrections: [Int: Int32] = [:]
    private var cells: [Cell: BucketValue] = [:]
    /// Whether the last transfer carried an id that had been sighted and forgotten.
    private(set) var hasForgotten = false

    func value(of cell: Cell) -> BucketValue { cells[cell] ?? .zero }

    static func minute(_ time: Int64) -> Int32 {
        Int32((time - (time % 60_000 + 60_000) % 60_000) / 60_000)
    }

    mutating func take(_ meaning: Meaning, stamp: Int64) -> (outcome: Outcome, change: Change?) {
        hasForgotten = false
        switch meaning {
        case .ignored: return (.control, nil)
        case .malformed: return (.rejected, nil)
        default: break
        }
        guard stamp != PartitionLog.Entry.noStamp else { return (.rejected, nil) }
        switch meaning {
        case .transfer(let transfer): return take(transfer, stamp: stamp)
        case .correction(let correction): return take(correction, stamp: stamp)
        case .marker(let markedAt):
            if markedAt <= max(stamp, logTime ?? .min) + Self.ahead {
                advance(event: markedAt, stamp: stamp)
            }
            return (.control, nil)
        default: return (.control, nil)
        }
    }

    private mutating func advance(event: Int64, stamp: Int64) {
        logTime = max(logTime ?? .min, min(stamp, event + Self.ahead))
    }

    private mutating func take(
        _ transfer: TransferMeaning, stamp: Int64
    ) -> (outcome: Outcome, change: Change?) {
        if transfer.settledAt > max(stamp, logTime ?? .min) + Self.ahead { return (.rejected, nil) }
        let before = logTime
        advance(event: transfer.settledAt, stamp: stamp)
        let present = Self.minute(logTime!)
        if let known = transfers[transfer.id] {
            if present - known.minute <= Self.horizonMinutes {
                transfers[transfer.id]!.minute = present
                return (known.content == transfer ? .duplicate : .conflict, nil)
            }
            hasForgotten = true
        }
        let minute = Self.minute(transfer.settledAt)
        let isLate = minute <= present - Self.retainedMinutes
        let cell = Cell(
            isLate: isLate, minute: isLate ? present : minute, column: transfer.column)
        let old = value(of: cell)
        guard transfer.amount <= Self.bound, old.settled + transfer.amount <= Self.bound else {
            // A rejected record has no effect at all.
            logTime = before
            return (.rejected, nil)
        }
        transfers[transfer.id] = Sighting(minute: present, content: transfer)
        var new = old
        new.settled += transfer.amount
        new.transfers += 1
        cells[cell] = new
        return (isLate ? .late : .applied, Change(cell: cell, old: old, new: new))
    }

    private mutating func take(
        _ correction: CorrectionMeaning, stamp: Int64
    ) -> (outcome: Outcome, change: Change?) {
        let newest = max(stamp, logTime ?? .min) + Self.ahead
        guard Int64(correction.minute) * 60_000 <= newest else { return (.control, nil) }
        let present = Self.minute(logTime ?? stamp)
        if let sighted = corrections[correction.id], present - sighted <= Self.horizonMinutes {
            corrections[correction.id] = present
            return (.repeatedControl, nil)
        }
        corrections[correction.id] = present
        guard correction.minute > present - Self.retainedMinutes else { return (.control, nil) }
        let cell = Cell(isLate: false, minute: correction.minute, column: correction.column)
        let old = value(of: cell)
        guard old.correction == correction.before else { return (.void, nil) }
        var new = old
        new.correction += correction.delta
        cells[cell] = new
        return (.control, Change(cell: cell, old: old, new: new))
    }
}
