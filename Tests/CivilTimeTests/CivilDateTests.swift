import CivilTime
import Hashing
import Testing

@Suite struct CivilDateTests {
    /// A slow reference: counts every day from the epoch, month by month.
    private static func slowDate(daysSinceEpoch: Int) -> (year: Int, month: Int, day: Int) {
        func isLeap(_ year: Int) -> Bool {
            year % 400 == 0 || (year % 4 == 0 && year % 100 != 0)
        }
        var year = 1970
        var rest = daysSinceEpoch
        while rest < 0 {
            year -= 1
            rest += isLeap(year) ? 366 : 365
        }
        while rest >= (isLeap(year) ? 366 : 365) {
            rest -= isLeap(year) ? 366 : 365
            year += 1
        }
        let lengths = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var month = 0
        while rest >= lengths[month] {
            rest -= lengths[month]
            month += 1
        }
        return (year, month + 1, rest + 1)
    }

    @Test(arguments: [
        (0, 1970, 1, 1), (-1, 1969, 12, 31), (11_016, 2000, 2, 29), (11_017, 2000, 3, 1),
        (-25_509, 1900, 2, 28), (-25_508, 1900, 3, 1), (-719_528, 0, 1, 1), (-719_529, -1, 12, 31),
        (2_932_896, 9999, 12, 31), (2_932_897, 10_000, 1, 1), (20_537, 2026, 3, 25),
    ])
    func `known days`(days: Int, year: Int, month: Int, day: Int) {
        let date = CivilDate(year: year, month: month, day: day)
        #expect(CivilDate(daysSinceEpoch: days) == date)
        #expect(date.daysSinceEpoch == days)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `random days of a thousand years agree with a day count`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<500 {
            let days = Int.random(in: -200_000...200_000, using: &random)
            let slow = Self.slowDate(daysSinceEpoch: days)
            let date = CivilDate(daysSinceEpoch: days)
            #expect(
                (date.year, date.month, date.day) == slow, "seed \(seed), day \(days)")
            #expect(date.daysSinceEpoch == days, "seed \(seed), day \(days)")
        }
    }

    @Test func `days are consecutive through 800 years`() {
        var previous = CivilDate(daysSinceEpoch: -146_098)
        for days in -146_097...146_097 {
            let date = CivilDate(daysSinceEpoch: days)
            let isNextDay =
                date.day == previous.day + 1 && date.month == previous.month
                && date.year == previous.year
            let isNextMonth =
                date.day == 1 && date.month == previous.month + 1 && date.year == previous.year
                && previous.day == CivilDate.daysInMonth(previous.month, year: previous.year)
            let isNextYear =
                date.day == 1 && date.month == 1 && date.year == previous.year + 1
                && previous.month == 12 && previous.day == 31
            guard isNextDay || isNextMonth || isNextYear, date.daysSinceEpoch == days else {
                Issue.record("day \(days) is \(date) after \(previous)")
                return
            }
            previous = date
        }
    }

    @Test func `months have the right lengths`() {
        let common = (1...12).map { CivilDate.daysInMonth($0, year: 2025) }
        #expect(common == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
        #expect(
            [2024, 2000, 1900, 2100, 0].map { CivilDate.daysInMonth(2, year: $0) }
                == [29, 29, 28, 28, 29])
    }
}
