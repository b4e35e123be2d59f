package import CivilTime
package import DeltaProtocol
package import Money

/// The buckets of the retained minutes, each with the offset that last changed it.
///
/// Rows are minutes, columns the currencies seen so far: the cells of the present minute lie
/// together. A row knows which minute it holds; a minute takes over the row of the one 1,506
/// before it. Memory: 1,506 × columns × 32 bytes, 3 MB for up to 64 currencies; columns come
/// as currencies do, so that a ring without money costs next to nothing.
///
/// One owner, any thread.
@safe
package struct MinuteRing: ~Copyable {
    /// Minutes that can stand at once: the retained ones and those ahead of log time.
    package static let slots = Limits.retainedMinutes + Limits.futureMinutes
    private static let emptySlot = Int32.min
    private static let firstColumns = 8
    private static let noColumn = UInt16.max

    struct Cell {
        var settled: Int64
        var transfers: Int64
        var correction: Int64
        /// The offset of the last record that changed the cell; −1 where none has.
        var changed: Int64

        static let empty = Cell(settled: 0, transfers: 0, correction: 0, changed: -1)

        var value: BucketValue {
            BucketValue(settled: settled, transfers: transfers, correction: correction)
        }
    }

    private var cells: UnsafeMutablePointer<Cell>
    private var columns = 0
    /// By currency index, the column, or `noColumn`.
    private let columnOf: UnsafeMutablePointer<UInt16>
    private var currencies: [Currency] = []
    /// Columns in the order of their currencies' codes.
    private var columnsByCode: [Int] = []
    private let minuteOf: UnsafeMutablePointer<Int32>
    /// By slot, the greatest `changed` of its cells.
    private let changedOf: UnsafeMutablePointer<Int64>
    /// No cell's settled sum is above this: spares the hot path a look at each cell.
    private var settledBound: Int64 = 0

    package init() {
        unsafe cells = .allocate(capacity: 0)
        unsafe columnOf = .allocate(capacity: Currency.count)
        unsafe columnOf.initialize(repeating: Self.noColumn, count: Currency.count)
        unsafe minuteOf = .allocate(capacity: Self.slots)
        unsafe minuteOf.initialize(repeating: Self.emptySlot, count: Self.slots)
        unsafe changedOf = .allocate(capacity: Self.slots)
        unsafe changedOf.initialize(repeating: -1, count: Self.slots)
    }

    deinit {
        unsafe cells.deallocate()
        unsafe columnOf.deallocate()
        unsafe minuteOf.deallocate()
        unsafe changedOf.deallocate()
    }

    @inline(__always)
    private static func slot(_ minute: Minute) -> Int {
        let remainder = Int(minute.number) % slots
        return remainder < 0 ? remainder + slots : remainder
    }

    /// The slot that holds `minute`, claimed from an older one where need be. The caller keeps
    /// `minute` within the retention, so that a claimed row's minute has left it.
    @inline(__always)
    private mutating func claim(_ minute: Minute) -> Int {
        let slot = Self.slot(minute)
        if unsafe minuteOf[slot] != minute.number { clear(slot, for: minute) }
        return slot
    }

    @inline(never)
    private mutating func clear(_ slot: Int, for minute: Minute) {
        unsafe (cells + slot * columns).update(repeating: .empty, count: columns)
        unsafe minuteOf[slot] = minute.number
        unsafe changedOf[slot] = -1
    }

    @inline(__always)
    private mutating func column(_ currency: Currency) -> Int {
        let column = unsafe columnOf[Int(currency.index)]
        return column != Self.noColumn ? Int(column) : addColumn(currency)
    }

    @inline(never)
    private mutating func addColumn(_ currency: Currency) -> Int {
        let column = currencies.count
        if column == columns { widen() }
        currencies.append(currency)
        unsafe columnOf[Int(currency.index)] = UInt16(column)
        columnsByCode = currencies.indices.sorted { currencies[$0] < currencies[$1] }
        return column
    }

    private mutating func widen() {
        let wider = max(columns * 2, Self.firstColumns)
        let moved = UnsafeMutablePointer<Cell>.allocate(capacity: Self.slots * wider)
        unsafe moved.initialize(repeating: .empty, count: Self.slots * wider)
        for slot in 0..<Self.slots {
            unsafe (moved + slot * wider).update(from: cells + slot * columns, count: columns)
        }
        unsafe cells.deallocate()
        unsafe cells = moved
        columns = wider
    }

    /// Whether a transfer of `amount` would take its bucket out of bounds.
    @inline(__always)
    package func wouldOverflow(amount: Int64, minute: Minute, currency: Currency) -> Bool {
        if amount <= Limits.sumMagnitude, settledBound &+ amount <= Limits.sumMagnitude {
            return false
        }
        let settled = value(minute: minute, currency: currency).settled
        return amount > Limits.sumMagnitude || settled + amount > Limits.sumMagnitude
    }

    /// Adds one transfer, which must not overflow its bucket.
    @inline(__always)
    package mutating func add(
        amount: Int64, minute: Minute, currency: Currency, offset: Int64
    ) {
        let column = column(currency)
        let slot = claim(minute)
        let cell = unsafe cells + (slot &* columns &+ column)
        let settled = unsafe cell.pointee.settled + amount
        if settled > settledBound { settledBound = settled }
        unsafe cell.pointee.settled = settled
        unsafe cell.pointee.transfers &+= 1
        unsafe cell.pointee.changed = offset
        unsafe changedOf[slot] = offset
    }

    /// Adds to a bucket's correction. False, and nothing changed, where it would leave its bounds.
    package mutating func correct(
        by delta: Int64, minute: Minute, currency: Currency, offset: Int64
    ) -> Bool {
        let (sum, overflow) = value(minute: minute, currency: currency).correction
            .addingReportingOverflow(delta)
        guard !overflow, sum.magnitude <= Limits.sumMagnitude.magnitude else { return false }
        let column = column(currency)
        let slot = claim(minute)
        let cell = unsafe cells + (slot * columns + column)
        unsafe cell.pointee.correction = sum
        unsafe cell.pointee.changed = offset
        unsafe changedOf[slot] = offset
        return true
    }

    /// Sets a bucket to what another state of the same shard held.
    package mutating func set(_ bucket: Bucket, changed offset: Int64) {
        let column = column(bucket.currency)
        let slot = claim(bucket.minute)
        unsafe cells[slot * columns + column] = Cell(
            settled: bucket.value.settled, transfers: bucket.value.transfers,
            correction: bucket.value.correction, changed: offset)
        unsafe changedOf[slot] = max(changedOf[slot], offset)
        settledBound = max(settledBound, bucket.value.settled)
    }

    /// A bucket's value; zero where it has none.
    package func value(minute: Minute, currency: Currency) -> BucketValue {
        let column = unsafe columnOf[Int(currency.index)]
        let slot = Self.slot(minute)
        guard column != Self.noColumn, unsafe minuteOf[slot] == minute.number else { return .zero }
        return unsafe cells[slot * columns + Int(column)].value
    }

    /// The buckets of `minutes` that changed at or after `base`, sorted. A bucket that is zero is
    /// named only where it changed after `base` 0, so that the reader can lower it.
    package func buckets(changedSince base: Int64, in minutes: ClosedRange<Minute>) -> [Bucket] {
        var result: [Bucket] = []
        for number in minutes.lowerBound.number...minutes.upperBound.number {
            let slot = Self.slot(Minute(number))
            guard unsafe minuteOf[slot] == number, unsafe changedOf[slot] >= base else { continue }
            let row = unsafe cells + slot * columns
            for column in columnsByCode {
                let cell = unsafe row[column]
                guard cell.changed >= max(base, 0), base > 0 || !cell.value.isZero else {
                    continue
                }
                result.append(
                    Bucket(
                        minute: Minute(number), currency: currencies[column], value: cell.value))
            }
        }
        return result
    }

    /// A digest of all buckets of `minutes`.
    package func digest(of minutes: ClosedRange<Minute>) -> ShardDigest {
        var digest = ShardDigest()
        for number in minutes.lowerBound.number...minutes.upperBound.number {
            let slot = Self.slot(Minute(number))
            guard unsafe minuteOf[slot] == number else { continue }
            for (column, currency) in currencies.enumerated() {
                digest.add(
                    minute: Minute(number), currency: currency,
                    value: unsafe cells[slot * columns + column].value)
            }
        }
        return digest
    }
}
