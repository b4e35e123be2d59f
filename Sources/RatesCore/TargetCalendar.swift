package import CivilTime

/// The days on which the euro's payment system TARGET settles and the European Central Bank
/// publishes rates, and the time of day at which it does. Pure; holds for the calendar in force
/// since 2002.
package enum TargetCalendar {
    /// Rates are published at about this hour in Frankfurt.
    package static let publicationHour = 16
    /// More than the longest pause, Easter: four days without a publication.
    private static let longestPauseDays = 10

    /// Whether the date is not on a weekend, 1 January, Good Friday, Easter Monday, 1 May, 25 or 26
    /// December.
    package static func isOpen(_ date: CivilDate) -> Bool {
        let day = date.daysSinceEpoch
        // 1970-01-01 was a Thursday: Monday is 0.
        let weekday = ((day + 3) % 7 + 7) % 7
        if weekday >= 5 { return false }
        switch (date.month, date.day) {
        case (1, 1), (5, 1), (12, 25), (12, 26): return false
        default: break
        }
        let easter = easterSunday(date.year).daysSinceEpoch
        return day != easter - 2 && day != easter + 1
    }

    /// When the rates of the first open day after `date` are due.
    package static func publication(after date: CivilDate) -> UnixTime {
        var day = date.daysSinceEpoch + 1
        for _ in 0..<longestPauseDays where !isOpen(CivilDate(daysSinceEpoch: day)) { day += 1 }
        return publication(on: CivilDate(daysSinceEpoch: day))
    }

    /// 16:00 in Frankfurt on that day.
    package static func publication(on date: CivilDate) -> UnixTime {
        let hour = publicationHour - (isSummerTime(date) ? 2 : 1)
        return UnixTime(seconds: Int64(date.daysSinceEpoch) * 86_400 + Int64(hour) * 3_600)
    }

    /// Easter Sunday of the Gregorian calendar, by the anonymous algorithm in Meeus, "Astronomical
    /// Algorithms", chapter 8.
    package static func easterSunday(_ year: Int) -> CivilDate {
        let (century, yearOfCentury) = (year / 100, year % 100)
        let golden = year % 19
        let correction = (century - (century + 8) / 25 + 1) / 3
        let epact = (19 * golden + century - century / 4 - correction + 15) % 30
        let weekday =
            (32 + 2 * (century % 4) + 2 * (yearOfCentury / 4) - epact - yearOfCentury % 4)
            % 7
        let shift = (golden + 11 * epact + 22 * weekday) / 451
        let sum = epact + weekday - 7 * shift + 114
        return CivilDate(year: year, month: sum / 31, day: sum % 31 + 1)
    }

    /// Whether summer time applies in the afternoon of that day: from the last Sunday of March
    /// until the day before the last Sunday of October.
    package static func isSummerTime(_ date: CivilDate) -> Bool {
        let day = date.daysSinceEpoch
        return day >= lastSunday(month: 3, year: date.year)
            && day < lastSunday(month: 10, year: date.year)
    }

    /// The last Sunday of a month with 31 days, as days since the epoch.
    private static func lastSunday(month: Int, year: Int) -> Int {
        let last = CivilDate(year: year, month: month, day: 31).daysSinceEpoch
        // Days since the last Sunday: 1970-01-04 was one.
        return last - ((last - 3) % 7 + 7) % 7
    }
}
