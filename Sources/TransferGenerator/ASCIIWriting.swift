internal import CivilTime

extension [UInt8] {
    /// Appends the text, which is ASCII.
    mutating func append(ascii text: StaticString) {
        unsafe append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends the last `width` decimal digits of `value`, with leading zeros.
    mutating func append(decimal value: Int, width: Int) {
        append(contentsOf: repeatElement(0x30, count: width))
        var rest = UInt(bitPattern: value)
        var at = count
        for _ in 0..<width {
            at -= 1
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            self[at] = 0x30 + UInt8(truncatingIfNeeded: digit)
            rest = quotient
        }
    }

    /// Appends a positive number without leading zeros.
    mutating func append(decimal value: Int64) {
        var width = 1
        var bound: Int64 = 10
        while value >= bound, width < 18 {
            width += 1
            bound *= 10
        }
        append(decimal: Int(value), width: width)
    }

    /// Appends `YYYY-MM-DDTHH:MM:SSZ`; the time must be in the years 1970 to 9999.
    mutating func append(_ time: UnixTime) {
        let seconds = Int(time.milliseconds / 1_000)
        let date = CivilDate(daysSinceEpoch: seconds / 86_400)
        let second = seconds % 86_400
        append(decimal: date.year, width: 4)
        append(0x2D)
        append(decimal: date.month, width: 2)
        append(0x2D)
        append(decimal: date.day, width: 2)
        append(0x54)
        append(decimal: second / 3_600, width: 2)
        append(0x3A)
        append(decimal: second / 60 % 60, width: 2)
        append(0x3A)
        append(decimal: second % 60, width: 2)
        append(0x5A)
    }
}
