/// RFC 3339 timestamps as restricted by the record contract: `Z` or an offset, `t` and `z` in
/// either case, 0 to 9 fraction digits, `:60` only at 23:59:60 UTC (it counts in that minute), no
/// 24:00, no space or comma, years 0000 to 9999.
package enum RFC3339 {
    /// The instant that `bytes` denotes, or nil if they are not a valid timestamp. The fraction is
    /// truncated to milliseconds.
    package static func parse(_ bytes: UnsafeRawBufferPointer) -> UnixTime? {
        let count = bytes.count
        guard count >= 20, count <= 35 else { return nil }

        func byte(_ at: Int) -> UInt8 { unsafe bytes[at] }
        func two(_ at: Int) -> Int? {
            let tens = byte(at) &- 0x30
            let ones = byte(at + 1) &- 0x30
            return tens <= 9 && ones <= 9 ? Int(tens) * 10 + Int(ones) : nil
        }

        guard let century = two(0), let yearOfCentury = two(2), byte(4) == 0x2D,
            let month = two(5), byte(7) == 0x2D, let day = two(8),
            byte(10) | 0x20 == 0x74,
            let hour = two(11), byte(13) == 0x3A, let minute = two(14), byte(16) == 0x3A,
            let second = two(17)
        else { return nil }
        let year = century * 100 + yearOfCentury
        guard month >= 1, month <= 12, day >= 1,
            day <= CivilDate.daysInMonth(month, year: year),
            hour <= 23, minute <= 59, second <= 60
        else { return nil }

        var at = 19
        var milliseconds = 0
        if byte(at) == 0x2E {
            at += 1
            var weight = 100
            var digits = 0
            while at < count, byte(at) &- 0x30 <= 9 {
                milliseconds += Int(byte(at) - 0x30) * weight
                weight /= 10
                digits += 1
                at += 1
            }
            guard digits >= 1, digits <= 9, at < count else { return nil }
        }

        var offsetMinutes = 0
        switch byte(at) {
        case 0x5A, 0x7A:
            guard at + 1 == count else { return nil }
        case let sign where sign == 0x2B || sign == 0x2D:
            guard at + 6 == count, let hours = two(at + 1), byte(at + 3) == 0x3A,
                let minutes = two(at + 4), hours <= 23, minutes <= 59
            else { return nil }
            offsetMinutes = (hours * 60 + minutes) * (sign == 0x2D ? -1 : 1)
        default:
            return nil
        }

        let days = CivilDate(year: year, month: month, day: day).daysSinceEpoch
        let minuteUTC = days * 1_440 + hour * 60 + minute - offsetMinutes
        var milli = milliseconds
        var secondOfMinute = second
        if second == 60 {
            // A leap second ends a UTC day and counts in that day's last minute.
            guard (minuteUTC % 1_440 + 1_440) % 1_440 == 1_439 else { return nil }
            secondOfMinute = 59
            milli = 999
        }
        return UnixTime(
            milliseconds: Int64(minuteUTC * 60 + secondOfMinute) * 1_000 + Int64(milli))
    }

    /// Like the other `parse`, from a string.
    package static func parse(_ text: String) -> UnixTime? {
        var copy = text
        return copy.withUTF8 { unsafe parse(UnsafeRawBufferPointer($0)) }
    }

    /// `YYYY-MM-DDTHH:MM:SSZ`; times outside the years 0000 to 9999 are clamped to them.
    package static func format(_ time: UnixTime) -> String {
        let floor = time.milliseconds.quotientAndRemainder(dividingBy: 1_000)
        let seconds = floor.remainder < 0 ? floor.quotient - 1 : floor.quotient
        let clamped = min(max(Int(seconds), -62_167_219_200), 253_402_300_799)
        return text(seconds: clamped, withSeconds: true)
    }

    /// `YYYY-MM-DDTHH:MM`, the form of a minute in exports.
    package static func format(_ minute: Minute) -> String {
        text(seconds: Int(minute.number) * 60, withSeconds: false)
    }

    private static func text(seconds: Int, withSeconds: Bool) -> String {
        let days = seconds >= 0 ? seconds / 86_400 : -((86_399 - seconds) / 86_400)
        let second = seconds - days * 86_400
        let date = CivilDate(daysSinceEpoch: days)
        var ascii: [UInt8] = []
        ascii.reserveCapacity(20)
        func put(_ value: Int, digits: Int) {
            var power = 1
            for _ in 1..<digits { power *= 10 }
            while power > 0 {
                ascii.append(0x30 + UInt8(value / power % 10))
                power /= 10
            }
        }
        put(date.year, digits: 4)
        ascii.append(0x2D)
        put(date.month, digits: 2)
        ascii.append(0x2D)
        put(date.day, digits: 2)
        ascii.append(0x54)
        put(second / 3_600, digits: 2)
        ascii.append(0x3A)
        put(second / 60 % 60, digits: 2)
        if withSeconds {
            ascii.append(0x3A)
            put(second % 60, digits: 2)
            ascii.append(0x5A)
        }
        return String(decoding: ascii, as: UTF8.self)
    }
}
