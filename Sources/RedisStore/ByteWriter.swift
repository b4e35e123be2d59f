/// A growing byte buffer that is written once and passed to C. A refill writes a million values to
/// it, so it avoids an array's checks per byte.
struct ByteWriter: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 256) {
        self.capacity = max(capacity, 32)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    /// The bytes so far; valid during `body` only.
    func withBytes<Answer>(_ body: (UnsafeBufferPointer<UInt8>) throws -> Answer) rethrows -> Answer
    {
        try body(UnsafeBufferPointer(start: base, count: count))
    }

    mutating func removeAll() { count = 0 }

    @inline(__always)
    private mutating func reserve(_ more: Int) {
        if count + more > capacity { grow(more) }
    }

    private mutating func grow(_ more: Int) {
        let larger = max(capacity * 2, count + more)
        let next = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        next.moveInitialize(from: base, count: count)
        base.deallocate()
        base = next
        capacity = larger
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        reserve(1)
        base[count] = byte
        count += 1
    }

    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let start = bytes.baseAddress else { return }
        reserve(bytes.count)
        (base + count).initialize(from: start, count: bytes.count)
        count += bytes.count
    }

    mutating func append(_ text: String) {
        var copy = text
        copy.withUTF8 { append($0) }
    }

    mutating func append(_ other: borrowing ByteWriter) {
        reserve(other.count)
        (base + count).initialize(from: other.base, count: other.count)
        count += other.count
    }

    /// The number's decimal digits.
    mutating func append(decimal number: Int64) {
        reserve(20)
        var rest = number.magnitude
        var digits = 1
        var bound: UInt64 = 10
        while rest >= bound {
            digits += 1
            let next = bound.multipliedReportingOverflow(by: 10)
            if next.overflow { break }
            bound = next.partialValue
        }
        if number < 0 {
            base[count] = 0x2D
            count += 1
        }
        var at = count + digits
        count = at
        repeat {
            at -= 1
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            base[at] = 0x30 + UInt8(truncatingIfNeeded: digit)
            rest = quotient
        } while rest > 0
    }

    /// Replaces a byte that was written before.
    mutating func set(_ byte: UInt8, at index: Int) {
        precondition(index < count, "cannot replace a byte after the end")
        base[index] = byte
    }
}
