internal import CivilTime
internal import DeltaProtocol
internal import Money

/// Buckets of arbitrary minutes: an open-addressed table of 24-byte cells, at most half of it in
/// use. One owner, any thread.
struct BucketTable: ~Copyable {
    private struct Cell {
        /// 0 marks an empty cell.
        var key: UInt64
        var settled: Int64
        var transfers: Int64

        static let empty = Cell(key: 0, settled: 0, transfers: 0)
    }

    private var cells: UnsafeMutablePointer<Cell>
    /// The capacity is 2^(64 − shift).
    private var shift: UInt64
    private var count = 0

    private static let smallestShift: UInt64 = 64 - 12
    private static let usedBit: UInt64 = 1 << 63
    private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15

    init() {
        shift = Self.smallestShift
        cells = Self.allocate(shift)
    }

    deinit { cells.deallocate() }

    private static func allocate(_ shift: UInt64) -> UnsafeMutablePointer<Cell> {
        let capacity = 1 << Int(64 - shift)
        let cells = UnsafeMutablePointer<Cell>.allocate(capacity: capacity)
        cells.initialize(repeating: .empty, count: capacity)
        return cells
    }

    private var capacity: Int { 1 << Int(64 - shift) }

    /// The bucket's position, created if necessary; valid until the next call.
    @inline(__always)
    mutating func place(_ bucket: BucketKey) -> Int {
        let key = Self.usedBit | bucket.packed
        let mask = capacity &- 1
        var place = Int(truncatingIfNeeded: (key &* Self.factor) &>> shift)
        while cells[place].key != key {
            if cells[place].key == 0 { return insert(key) }
            place = (place &+ 1) & mask
        }
        return place
    }

    @inline(never)
    private mutating func insert(_ key: UInt64) -> Int {
        if count * 2 >= capacity { grow() }
        count += 1
        let place = emptyPlace(for: key)
        cells[place].key = key
        return place
    }

    private func emptyPlace(for key: UInt64) -> Int {
        var place = Int(truncatingIfNeeded: (key &* Self.factor) &>> shift)
        while cells[place].key != 0 { place = (place &+ 1) & (capacity &- 1) }
        return place
    }

    private mutating func grow() {
        let old = cells
        let oldCapacity = capacity
        shift -= 1
        cells = Self.allocate(shift)
        for index in 0..<oldCapacity where old[index].key != 0 {
            cells[emptyPlace(for: old[index].key)] = old[index]
        }
        old.deallocate()
    }

    /// True if adding `amount`, which is above 0, keeps the bucket within ±2^52.
    @inline(__always)
    func hasRoom(for amount: Int64, at place: Int) -> Bool {
        amount <= Limits.sumMagnitude &- cells[place].settled
    }

    /// Adds a transfer, for which there must be room.
    @inline(__always)
    mutating func add(_ amount: Int64, at place: Int) {
        cells[place].settled += amount
        cells[place].transfers &+= 1
    }

    /// All buckets with at least one transfer, by currency code, then minute.
    func rows() -> [RollupResult.Row] {
        var rows: [RollupResult.Row] = []
        rows.reserveCapacity(count)
        for index in 0..<capacity where cells[index].transfers > 0 {
            let cell = cells[index]
            let bucket = BucketKey(packed: cell.key & ~Self.usedBit)
            rows.append(
                RollupResult.Row(
                    currency: bucket.currency, minuteStart: bucket.minuteStart,
                    settled: cell.settled, transfers: cell.transfers))
        }
        rows.sort {
            $0.currency != $1.currency
                ? $0.currency < $1.currency : $0.minuteStart < $1.minuteStart
        }
        return rows
    }
}
