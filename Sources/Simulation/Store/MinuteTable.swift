import CivilTime
import DeltaProtocol
import Money

/// Values by (minute, column), as rows in rising order of minutes. Zero means no value.
struct MinuteTable {
    private(set) var minutes: [Int32] = []
    private var cells: [BucketValue] = []
    let width: Int

    init(width: Int) { self.width = width }

    /// The first row whose minute is `minute` or later.
    func row(from minute: Int32) -> Int {
        guard let last = minutes.last, last >= minute else { return minutes.count }
        var lower = 0
        var upper = minutes.count - 1
        while lower < upper {
            let middle = (lower + upper) / 2
            if minutes[middle] < minute { lower = middle + 1 } else { upper = middle }
        }
        return lower
    }

    func value(row: Int, column: Int) -> BucketValue { cells[row * width + column] }

    subscript(minute: Int32, column: Int) -> BucketValue {
        get {
            let row = row(from: minute)
            guard row < minutes.count, minutes[row] == minute else { return .zero }
            return cells[row * width + column]
        }
        set {
            let row = row(from: minute)
            if row == minutes.count || minutes[row] != minute {
                guard !newValue.isZero else { return }
                minutes.insert(minute, at: row)
                cells.insert(
                    contentsOf: repeatElement(.zero, count: width), at: row * width)
            }
            cells[row * width + column] = newValue
        }
    }

    mutating func removeAll(before minute: Int32) {
        let row = row(from: minute)
        guard row > 0 else { return }
        minutes.removeFirst(row)
        cells.removeFirst(row * width)
    }

    func isEmpty(minute: Int32) -> Bool {
        (0..<width).allSatisfy { self[minute, $0].isZero }
    }

    /// The buckets in `wanted`, which rises, in the order of a delta.
    func buckets(in wanted: [Minute], currencies: [Currency]) -> [Bucket] {
        var found: [Bucket] = []
        guard let first = wanted.first else { return found }
        var row = row(from: first.number)
        var next = 0
        while row < minutes.count, next < wanted.count {
            let minute = minutes[row]
            if minute < wanted[next].number {
                row += 1
            } else if minute > wanted[next].number {
                next += 1
            } else {
                for column in 0..<width where !cells[row * width + column].isZero {
                    found.append(
                        Bucket(
                            minute: Minute(minute), currency: currencies[column],
                            value: cells[row * width + column]))
                }
                row += 1
                next += 1
            }
        }
        return found
    }
}
