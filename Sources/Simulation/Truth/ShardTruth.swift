import DeltaProtocol

/// What a shard must hold at each coverage, by the second fold.
struct ShardTruth {
    struct Step {
        var offset: Int64
        var change: NaiveFold.Change
    }

    /// How many records ended how, up to and including one.
    struct Counts: Equatable {
        var applied: Int64 = 0
        var duplicate: Int64 = 0
        var conflicts: Int64 = 0
        var late: Int64 = 0
        var rejected: Int64 = 0
        var control: Int64 = 0

        mutating func add(_ outcome: NaiveFold.Outcome) {
            switch outcome {
            case .applied: applied += 1
            case .duplicate: duplicate += 1
            case .conflict:
                duplicate += 1
                conflicts += 1
            case .late: late += 1
            case .rejected: rejected += 1
            case .control, .void, .repeatedControl: control += 1
            }
        }
    }

    private(set) var fold = NaiveFold()
    /// Every change of a bucket, in the order of offsets.
    private(set) var steps: [Step] = []
    /// By place in the log, the sum of outcomes.
    private(set) var counts: [Counts] = []
    /// By place in the log, what a node comes to that folds it.
    private(set) var situations: [[Probe]] = []
    /// By place in the log, the minute of log time behind it; `Int32.min` before there is one.
    private(set) var logMinutes: [Int32] = []

    /// Takes the record that now is the last of the log.
    mutating func take(_ meaning: Meaning, offset: Int64, stamp: Int64) -> NaiveFold.Outcome {
        let (outcome, change) = fold.take(meaning, stamp: stamp)
        if let change { steps.append(Step(offset: offset, change: change)) }
        var sum = counts.last ?? Counts()
        sum.add(outcome)
        counts.append(sum)
        situations.append([])
        logMinutes.append(fold.logTime.map(NaiveFold.minute) ?? .min)
        return outcome
    }

    /// Says what the last record is an example of.
    mutating func note(_ probe: Probe) { situations[situations.count - 1].append(probe) }
}

/// The buckets of one shard at one coverage, moved forwards and backwards along its truth.
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
        to target: Int64, along truth: ShardTruth, touched: inout [NaiveFold.Cell]
    ) {
        while taken < truth.steps.count, truth.steps[taken].offset < target {
            let change = truth.steps[taken].change
            set(change.cell, change.new)
            touched.append(change.cell)
            taken += 1
        }
        while taken > 0, truth.steps[taken - 1].offset >= target {
            taken -= 1
            let change = truth.steps[taken].change
            set(change.cell, change.old)
            touched.append(change.cell)
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
