import DeltaProtocol

/// The correct contents of a shard at each coverage, by the second fold.
struct ShardTruth {
    struct Step {
        var offset: Int64
        var change: NaiveFold.Change
    }

    /// Counts of outcomes, up to and including one record.
    struct Counts: Equatable {
        var applied: Int64 = 0
        var duplicate: Int64 = 0
        var conflicts: Int64 = 0
        var late: Int64 = 0
        var rejected: Int64 = 0
        var control: Int64 = 0
        /// Of `rejected`, those whose bucket was full.
        var overflowed: Int64 = 0

        mutating func add(_ outcome: NaiveFold.Outcome) {
            switch outcome {
            case .applied: applied += 1
            case .duplicate: duplicate += 1
            case .conflict:
                duplicate += 1
                conflicts += 1
            case .late: late += 1
            case .rejected: rejected += 1
            case .overflowed:
                rejected += 1
                overflowed += 1
            case .control, .void, .repeatedControl, .lateControl, .futureControl: control += 1
            }
        }
    }

    /// A minute of a currency.
    struct Place: Hashable {
        var minute: Int32
        var column: Int
    }

    /// The most that a minute could hold if every repeat counted.
    struct Most {
        /// Sums of transfers in their own minutes.
        var settled: Int64 = 0
        var transfers: Int64 = 0
        /// Sums of late transfers at the minute of their stamps, and of all others at their own.
        var lateSettled: Int64 = 0
        var lateTransfers: Int64 = 0
        /// True if a transfer was rejected because the bucket was full.
        var wasFull = false
    }

    private(set) var fold: NaiveFold
    /// Every change of a bucket, in the order of offsets.
    private(set) var steps: [Step] = []
    /// By bucket, the steps that changed it.
    private var stepsOfCell: [NaiveFold.Cell: [Int]] = [:]
    private var most: [Place: Most] = [:]
    /// By index in the log, the accumulated outcomes.
    private(set) var counts: [Counts] = []
    /// By index in the log, the probes that a node hits by folding it.
    private(set) var situations: [[Probe]] = []

    /// - Parameter disorder: for a log that continues another one, how much earlier than a
    ///   preceding stamp a stamp may be, in milliseconds; else nil.
    init(disorder: Int64?) { fold = NaiveFold(disorder: disorder) }

    /// Takes the log's new last record.
    mutating func take(_ meaning: Meaning, offset: Int64, stamp: Int64) -> NaiveFold.Result {
        let result = fold.take(meaning, offset: offset, stamp: stamp)
        if let change = result.change {
            stepsOfCell[change.cell, default: []].append(steps.count)
            steps.append(Step(offset: offset, change: change))
        }
        if let cell = result.cell, case .transfer(let transfer) = meaning {
            note(transfer.amount, at: cell, isFull: result.outcome == .overflowed)
        }
        var sum = counts.last ?? Counts()
        sum.add(result.outcome)
        counts.append(sum)
        situations.append([])
        return result
    }

    private mutating func note(_ amount: Int64, at cell: NaiveFold.Cell, isFull: Bool) {
        var most = most(cell.minute, cell.column)
        if isFull { most.wasFull = true }
        if !cell.isLate {
            most.settled = most.settled.addingReportingOverflow(amount).partialValue
            most.transfers += 1
        }
        most.lateSettled = most.lateSettled.addingReportingOverflow(amount).partialValue
        most.lateTransfers += 1
        self.most[Place(minute: cell.minute, column: cell.column)] = most
    }

    func most(_ minute: Int32, _ column: Int) -> Most {
        most[Place(minute: minute, column: column)] ?? Most()
    }

    /// True if a bucket held exactly these transfers at some coverage up to `coverage`.
    func held(_ value: BucketValue, in cell: NaiveFold.Cell, upTo coverage: Int64) -> Bool {
        if value.settled == 0, value.transfers == 0 { return true }
        return (stepsOfCell[cell] ?? []).contains { step in
            steps[step].offset < coverage && steps[step].change.new.settled == value.settled
                && steps[step].change.new.transfers == value.transfers
        }
    }

    /// Records that the last record is an example of a probe.
    mutating func note(_ probe: Probe) { situations[situations.count - 1].append(probe) }
}

/// The buckets of one shard at one coverage, which can move forwards and backwards along its truth.
struct TruthCursor {
    private(set) var coverage: Int64 = 0
    private var taken = 0
    private(set) var buckets: MinuteTable
    private(set) var late: MinuteTable

    init(width: Int) {
        buckets = MinuteTable(width: width)
        late = MinuteTable(width: width)
    }

    /// Moves to `target` and adds every cell on the way to `touched`.
    mutating func move(
        to target: Int64, along truth: ShardTruth, touched: inout [ShardTruth.Place]
    ) {
        while taken < truth.steps.count, truth.steps[taken].offset < target {
            let change = truth.steps[taken].change
            set(change.cell, change.new)
            touched.append(.init(minute: change.cell.minute, column: change.cell.column))
            taken += 1
        }
        while taken > 0, truth.steps[taken - 1].offset >= target {
            taken -= 1
            let change = truth.steps[taken].change
            set(change.cell, change.old)
            touched.append(.init(minute: change.cell.minute, column: change.cell.column))
        }
        coverage = target
    }

    private mutating func set(_ cell: NaiveFold.Cell, _ value: BucketValue) {
        if cell.isLate {
            late[cell.minute, cell.column] = value
        } else {
            buckets[cell.minute, cell.column] = value
        }
    }
}
