import DeltaProtocol

/// A second implementation of the fold rules, which takes the meanings of records and keeps plain
/// dictionaries: slow, simple, and without code shared with the fold that it checks. It has the
/// whole log from its very beginning, whatever retention has removed since.
struct NaiveFold {
    /// 5 minutes, and 10.
    private static let future: Int64 = 300_000
    private static let afterIssue: Int64 = 600_000
    private static let retainedMinutes: Int64 = 1_500
    private static let bound: Int64 = 4_503_599_627_370_496
    /// 2000-01-01 and 2201-01-01.
    private static let stamps: Range<Int64> = 946_684_800_000..<7_289_654_400_000

    enum Outcome: Int {
        case applied
        case duplicate
        case conflict
        case late
        case rejected
        /// Rejected because its bucket was full.
        case overflowed
        case control
        case void
        case repeatedControl
        case lateControl
        case futureControl
    }

    struct Cell: Hashable {
        var isLate: Bool
        var minute: Int32
        var column: Int
    }

    /// A record's change: the cell, its old value and its new value.
    struct Change {
        var cell: Cell
        var old: BucketValue
        var new: BucketValue
    }

    /// The outcome of a record.
    struct Result {
        var outcome: Outcome
        var change: Change?
        /// For a transfer that passes the first two rules, the cell that its own record alone
        /// decides.
        var cell: Cell?
        /// For a conflict, the offset of the record whose content counts: a node that has not read
        /// it cannot know.
        var contentFrom: Int64?

        init(
            _ outcome: Outcome, change: Change? = nil, cell: Cell? = nil, contentFrom: Int64? = nil
        ) {
            self.outcome = outcome
            self.change = change
            self.cell = cell
            self.contentFrom = contentFrom
        }
    }

    private struct Sighting {
        /// The greatest minute that the id was sighted for.
        var through: Int64
        var content: TransferMeaning
        var offset: Int64
    }

    private var transfers: [Int: Sighting] = [:]
    private var corrections: Set<Int> = []
    private var cells: [Cell: BucketValue] = [:]
    /// True if the last transfer's id had been sighted but was no longer live.
    private(set) var hasForgotten = false
    /// For a log that continues another one: how much earlier than the last record of the previous
    /// log its first stamp may be; nil for other logs.
    private let disorder: Int64?
    /// The first minute whose transfers cannot be in the previous log; nil without a previous log,
    /// or before the first record.
    private(set) var firstOfItsOwn: Int64?

    init(disorder: Int64?) { self.disorder = disorder }

    func value(of cell: Cell) -> BucketValue { cells[cell] ?? .zero }

    static func minute(_ time: Int64) -> Int32 {
        Int32((time - (time % 60_000 + 60_000) % 60_000) / 60_000)
    }

    mutating func take(_ meaning: Meaning, offset: Int64, stamp: Int64) -> Result {
        hasForgotten = false
        if let disorder, firstOfItsOwn == nil, Self.stamps.contains(stamp) {
            firstOfItsOwn = Int64(Self.minute(stamp + Self.future + disorder)) + 1
        }
        switch meaning {
        case .ignored: return Result(.control)
        case .malformed: return Result(.rejected)
        default: break
        }
        guard Self.stamps.contains(stamp) else { return Result(.rejected) }
        switch meaning {
        case .transfer(let transfer): return take(transfer, offset: offset, stamp: stamp)
        case .correction(let correction): return take(correction, stamp: stamp)
        default: return Result(.control)
        }
    }

    private mutating func take(
        _ transfer: TransferMeaning, offset: Int64, stamp: Int64
    ) -> Result {
        if transfer.amount > Self.bound { return Result(.rejected) }
        if transfer.settledAt > stamp + Self.future { return Result(.rejected) }
        let present = Int64(Self.minute(stamp))
        let settled = Int64(Self.minute(transfer.settledAt))
        let isLate = settled <= present - Self.retainedMinutes
        let through = isLate ? present : settled
        let cell = Cell(isLate: isLate, minute: Int32(through), column: transfer.column)

        if let known = transfers[transfer.id] {
            transfers[transfer.id]!.through = max(known.through, through)
            if known.through > present - Self.retainedMinutes {
                return known.content == transfer
                    ? Result(.duplicate, cell: cell)
                    : Result(.conflict, cell: cell, contentFrom: known.offset)
            }
            hasForgotten = true
            transfers[transfer.id]!.content = transfer
            transfers[transfer.id]!.offset = offset
        } else {
            transfers[transfer.id] = Sighting(through: through, content: transfer, offset: offset)
        }
        // It may be in the previous log, whose ids are lost.
        var target = cell
        if let firstOfItsOwn, settled < firstOfItsOwn { target.isLate = true }
        let old = value(of: target)
        guard old.settled + transfer.amount <= Self.bound else {
            return Result(.overflowed, cell: cell)
        }
        var new = old
        new.settled += transfer.amount
        new.transfers += 1
        cells[target] = new
        return Result(
            target.isLate ? .late : .applied, change: Change(cell: target, old: old, new: new),
            cell: cell)
    }

    private mutating func take(_ correction: CorrectionMeaning, stamp: Int64) -> Result {
        if Int64(correction.minute) * 60_000 > stamp + Self.future {
            return Result(.futureControl)
        }
        guard corrections.insert(correction.id).inserted else { return Result(.repeatedControl) }
        if Int64(correction.minute) <= Int64(Self.minute(stamp)) - Self.retainedMinutes {
            return Result(.lateControl)
        }
        if stamp > correction.issuedAt + Self.afterIssue { return Result(.void) }
        let cell = Cell(isLate: false, minute: correction.minute, column: correction.column)
        let old = value(of: cell)
        guard old.correction == correction.before else { return Result(.void) }
        var new = old
        new.correction += correction.delta
        cells[cell] = new
        return Result(.control, change: Change(cell: cell, old: old, new: new))
    }
}
