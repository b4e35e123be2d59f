package import CivilTime
package import DeltaProtocol
package import Money

/// The buckets from a floor on, each with the offset that last changed it.
///
/// The 1,536 minutes from the floor on are dense: rows are minutes, columns the currencies seen so
/// far, so that the cells of the present minute are adjacent. Memory: 1,536 × columns × 32 bytes,
/// 3 MB for up to 64 currencies. Columns are added as currencies appear, so an empty ring costs
/// next to nothing. Later minutes come from clocks that are wrong and are stored sparsely.
///
/// One owner, any thread.
@safe
package struct MinuteRing: ~Copyable {
    /// Minutes in the dense part: the retention, and 36 minutes for clocks that are ahead.
    package static let slots = 1_536
    private static let emptySlot = Int32.min
    private static let firstColumns = 8
    private static let noColumn = UInt16.max

    struct Cell {
        var settled: Int64
        var transfers: Int64
        var correction: Int64
        /// The offset of the last record that changed the cell; −1 if none has.
        var changed: Int64

        static let empty = Cell(settled: 0, transfers: 0, correction: 0, changed: -1)

        var value: BucketValue {
            BucketValue(settled: settled, transfers: transfers, correction: correction)
        }
    }

    /// A bucket outside the dense minutes.
    private struct Place: Hashable {
        var minute: Int32
        var currency: Currency
    }

    /// The first minute that the ring holds; it has dropped earlier ones.
    package private(set) var floor: Minute
    /// Buckets held, including those that are zero again.
    package private(set) var count = 0
    /// The first dense minute: the floor or, without one, a day before the first bucket.
    private var denseFrom: Int32?
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
    private var sparse: [Place: Cell] = [:]
    /// An upper bound of all settled sums, so that the hot path need not read each cell.
    private var settledBound: Int64 = 0

    package init(floor: Minute = Claims.always) {
        self.floor = floor
        denseFrom = floor == Claims.always ? nil : floor.number
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

    // MARK: - Places

    /// The slot of a minute; nil if the minute is sparse.
    @inline(__always)
    private func slot(_ minute: Int32) -> Int? {
        guard let denseFrom else { return nil }
        let ahead = Int64(minute) &- Int64(denseFrom)
        guard ahead >= 0, ahead < Int64(Self.slots) else { return nil }
        let remainder = Int(minute) % Self.slots
        return remainder < 0 ? remainder &+ Self.slots : remainder
    }

    @inline(__always)
    private mutating func claim(_ slot: Int, _ minute: Int32) {
        if unsafe minuteOf[slot] != minute { clear(slot, for: minute) }
    }

    @inline(never)
    private mutating func clear(_ slot: Int, for minute: Int32) {
        unsafe (cells + slot * columns).initialize(repeating: .empty, count: columns)
        unsafe minuteOf[slot] = minute
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
        // A slot without a minute need not be copied: it is cleared when a minute takes it.
        for slot in 0..<Self.slots where unsafe minuteOf[slot] != Self.emptySlot {
            let row = unsafe moved + slot * wider
            unsafe row.initialize(from: cells + slot * columns, count: columns)
            unsafe (row + columns).initialize(repeating: .empty, count: wider - columns)
        }
        unsafe cells.deallocate()
        unsafe cells = moved
        columns = wider
    }

    // MARK: - The floor

    /// Drops the minutes before `minute`; the floor never goes back.
    package mutating func raiseFloor(to minute: Minute) {
        guard minute > floor else { return }
        floor = minute
        for slot in 0..<Self.slots where unsafe minuteOf[slot] != Self.emptySlot {
            guard unsafe minuteOf[slot] < minute.number else { continue }
            count -= cellsHeld(slot)
            unsafe minuteOf[slot] = Self.emptySlot
        }
        if denseFrom.map({ $0 < minute.number }) ?? true { denseFrom = minute.number }
        guard !sparse.isEmpty else { return }
        let before = sparse.count
        sparse = sparse.filter { $0.key.minute >= minute.number }
        count -= before - sparse.count
        for (place, cell) in sparse {
            guard let slot = slot(place.minute) else { continue }
            sparse[place] = nil
            let column = column(place.currency)
            claim(slot, place.minute)
            unsafe cells[slot * columns + column] = cell
            unsafe changedOf[slot] = max(changedOf[slot], cell.changed)
        }
    }

    private func cellsHeld(_ slot: Int) -> Int {
        var held = 0
        for column in 0..<currencies.count
        where unsafe cells[slot * columns + column].changed >= 0 {
            held += 1
        }
        return held
    }

    /// The first minute such that at most `bucketsMax` buckets remain from it on.
    package func floor(forAtMost bucketsMax: Int) -> Minute {
        var held: [Int32: Int] = [:]
        for slot in 0..<Self.slots where unsafe minuteOf[slot] != Self.emptySlot {
            held[unsafe minuteOf[slot]] = cellsHeld(slot)
        }
        for place in sparse.keys { held[place.minute, default: 0] += 1 }
        guard count > bucketsMax else { return floor }
        var left = count
        for minute in held.keys.sorted() {
            guard left > bucketsMax else { return Minute(minute) }
            left -= held[minute] ?? 0
        }
        return Minute(.max)
    }

    // MARK: - Changes

    /// True if adding `amount` would take the bucket's settled sum out of bounds.
    @inline(__always)
    package func wouldOverflow(amount: Int64, minute: Minute, currency: Currency) -> Bool {
        if settledBound &+ amount <= Limits.sumMagnitude { return false }
        return value(minute: minute, currency: currency).settled + amount > Limits.sumMagnitude
    }

    /// Adds one transfer, which must not overflow its bucket. Returns false and changes nothing if
    /// the minute is below the floor.
    @inline(__always)
    package mutating func add(
        amount: Int64, minute: Minute, currency: Currency, offset: Int64
    ) -> Bool {
        guard let slot = slot(minute.number) else {
            return addSparse(amount: amount, minute: minute, currency: currency, offset: offset)
        }
        let column = column(currency)
        claim(slot, minute.number)
        let cell = unsafe cells + (slot &* columns &+ column)
        let settled = unsafe cell.pointee.settled &+ amount
        if settled > settledBound { settledBound = settled }
        if unsafe cell.pointee.changed < 0 { count &+= 1 }
        unsafe cell.pointee.settled = settled
        unsafe cell.pointee.transfers &+= 1
        unsafe cell.pointee.changed = offset
        unsafe changedOf[slot] = offset
        return true
    }

    @inline(never)
    private mutating func addSparse(
        amount: Int64, minute: Minute, currency: Currency, offset: Int64
    ) -> Bool {
        guard minute >= floor else { return false }
        update(minute, currency) { cell in
            cell.settled += amount
            cell.transfers += 1
            cell.changed = offset
        }
        return true
    }

    /// Changes one bucket, dense or sparse.
    private mutating func update(
        _ minute: Minute, _ currency: Currency, _ change: (inout Cell) -> Void
    ) {
        if denseFrom == nil {
            denseFrom = minute.advanced(by: 1 - Limits.retainedMinutes).number
        }
        var cell = cell(minute, currency)
        if cell.changed < 0 { count += 1 }
        change(&cell)
        settledBound = max(settledBound, cell.settled)
        guard let slot = slot(minute.number) else {
            sparse[Place(minute: minute.number, currency: currency)] = cell
            return
        }
        let column = column(currency)
        claim(slot, minute.number)
        unsafe cells[slot * columns + column] = cell
        unsafe changedOf[slot] = max(changedOf[slot], cell.changed)
    }

    /// Adds to a bucket's correction. Returns false and changes nothing if the sum would leave its
    /// bounds. Below the floor there is nothing to change.
    package mutating func correct(
        by delta: Int64, minute: Minute, currency: Currency, offset: Int64
    ) -> Bool {
        let (sum, overflow) = value(minute: minute, currency: currency).correction
            .addingReportingOverflow(delta)
        guard !overflow, sum.magnitude <= Limits.sumMagnitude.magnitude else { return false }
        guard minute >= floor else { return true }
        update(minute, currency) { cell in
            cell.correction = sum
            cell.changed = offset
        }
        return true
    }

    /// Sets a bucket to the value it had in another state of the shard; ignored below the floor.
    package mutating func set(_ bucket: Bucket, changed offset: Int64) {
        guard bucket.minute >= floor else { return }
        update(bucket.minute, bucket.currency) { cell in
            cell = Cell(
                settled: bucket.value.settled, transfers: bucket.value.transfers,
                correction: bucket.value.correction, changed: max(offset, 0))
        }
    }

    // MARK: - Contents

    private func cell(_ minute: Minute, _ currency: Currency) -> Cell {
        guard let slot = slot(minute.number) else {
            return sparse[Place(minute: minute.number, currency: currency)] ?? .empty
        }
        let column = unsafe columnOf[Int(currency.index)]
        guard column != Self.noColumn, unsafe minuteOf[slot] == minute.number else {
            return .empty
        }
        return unsafe cells[slot * columns + Int(column)]
    }

    /// A bucket's value; zero if the ring holds no such bucket.
    package func value(minute: Minute, currency: Currency) -> BucketValue {
        cell(minute, currency).value
    }

    /// The buckets of `minutes` that changed at or after `base`, sorted. A bucket that is zero
    /// again is included only if `base` is above 0, so that the reader can lower it.
    package func buckets(changedSince base: Int64, in minutes: ClosedRange<Minute>) -> [Bucket] {
        var result: [Bucket] = []
        func append(_ cell: Cell, _ minute: Int32, _ currency: Currency) {
            guard cell.changed >= max(base, 0), base > 0 || !cell.value.isZero else { return }
            result.append(Bucket(minute: Minute(minute), currency: currency, value: cell.value))
        }
        for number in denseNumbers(within: minutes) {
            guard let slot = slot(number), unsafe minuteOf[slot] == number,
                unsafe changedOf[slot] >= base
            else { continue }
            for column in columnsByCode {
                append(unsafe cells[slot * columns + column], number, currencies[column])
            }
        }
        guard !sparse.isEmpty else { return result }
        for (place, cell) in sparse where minutes.contains(Minute(place.minute)) {
            append(cell, place.minute, place.currency)
        }
        result.sort(by: Bucket.precedes)
        return result
    }

    /// Like `buckets(changedSince:in:)`, each with the offset that changed it last, in no order.
    package func cells(
        changedSince base: Int64, in minutes: ClosedRange<Minute>
    ) -> [(bucket: Bucket, changed: Int64)] {
        buckets(changedSince: base, in: minutes).map {
            ($0, cell($0.minute, $0.currency).changed)
        }
    }

    /// Adds the buckets of `minutes` to a digest.
    package func add(
        _ minutes: ClosedRange<Minute>, to digest: inout ShardDigest, areLate: Bool
    ) {
        for number in denseNumbers(within: minutes) {
            guard let slot = slot(number), unsafe minuteOf[slot] == number else { continue }
            for (column, currency) in currencies.enumerated() {
                digest.add(
                    minute: Minute(number), currency: currency,
                    value: unsafe cells[slot * columns + column].value, isLate: areLate)
            }
        }
        for (place, cell) in sparse where minutes.contains(Minute(place.minute)) {
            digest.add(
                minute: Minute(place.minute), currency: place.currency, value: cell.value,
                isLate: areLate)
        }
    }

    private func denseNumbers(within minutes: ClosedRange<Minute>) -> Range<Int32> {
        guard let denseFrom else { return 0..<0 }
        let end = Minute(denseFrom).advanced(by: Self.slots)
        let first = max(minutes.lowerBound.number, denseFrom)
        let last = min(minutes.upperBound, end.advanced(by: -1)).number
        return first <= last ? first..<(last + 1) : 0..<0
    }
}
