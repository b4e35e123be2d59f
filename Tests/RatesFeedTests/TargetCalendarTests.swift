import CivilTime
import RatesCore
import RatesFeed
import Testing

@Suite struct TargetCalendarTests {
    private static func date(_ text: String) throws -> CivilDate {
        let time = try #require(RFC3339.parse("\(text)T00:00:00Z"))
        return CivilDate(daysSinceEpoch: Int(time.milliseconds / 86_400_000))
    }

    /// Published dates of Easter Sunday, including the earliest and latest possible ones.
    @Test(arguments: [
        "1818-03-22", "1943-04-25", "1961-04-02", "1999-04-04", "2000-04-23", "2008-03-23",
        "2011-04-24", "2016-03-27", "2019-04-21", "2023-04-09", "2024-03-31", "2025-04-20",
        "2026-04-05", "2027-03-28", "2028-04-16", "2029-04-01", "2030-04-21", "2035-03-25",
        "2038-04-25", "2049-04-18", "2076-04-19", "2285-03-22",
    ])
    func `Easter is on the dates in almanacs`(text: String) throws {
        let expected = try Self.date(text)
        #expect(TargetCalendar.easterSunday(expected.year) == expected)
    }

    @Test(arguments: [
        // A weekend, and the days around it.
        ("2026-11-20", true), ("2026-11-21", false), ("2026-11-22", false), ("2026-11-23", true),
        // Maundy Thursday to the Tuesday after Easter.
        ("2026-04-02", true), ("2026-04-03", false), ("2026-04-04", false), ("2026-04-05", false),
        ("2026-04-06", false), ("2026-04-07", true),
        // Fixed days that fall on weekdays.
        ("2026-01-01", false), ("2026-01-02", true), ("2026-05-01", false), ("2025-12-24", true),
        ("2025-12-25", false), ("2025-12-26", false), ("2025-12-31", true),
        // Holidays elsewhere that are not TARGET's.
        ("2026-05-14", true), ("2026-05-25", true), ("2024-10-03", true), ("2027-11-01", true),
    ])
    func `open days are those of TARGET`(text: String, isOpen: Bool) throws {
        #expect(TargetCalendar.isOpen(try Self.date(text)) == isOpen)
    }

    @Test func `a year has the right number of open days`() throws {
        // Weekdays without the six holidays, counted by an independent program.
        for (year, expected) in [(2002, 255), (2010, 258), (2016, 257), (2020, 257), (2023, 255)] {
            let first = CivilDate(year: year, month: 1, day: 1).daysSinceEpoch
            let next = CivilDate(year: year + 1, month: 1, day: 1).daysSinceEpoch
            let open = (first..<next).filter {
                TargetCalendar.isOpen(CivilDate(daysSinceEpoch: $0))
            }
            #expect(open.count == expected, "\(year)")
        }
    }

    @Test(arguments: [
        ("2026-11-19", "2026-11-20T15:00:00Z"),  // the next day, in winter
        ("2026-11-20", "2026-11-23T15:00:00Z"),  // over a weekend
        ("2026-07-01", "2026-07-02T14:00:00Z"),  // in summer
        ("2026-04-02", "2026-04-07T14:00:00Z"),  // over Easter
        ("2024-03-28", "2024-04-02T14:00:00Z"),  // Easter on the day of summer time
        ("2025-12-24", "2025-12-29T15:00:00Z"),  // Christmas on Thursday and Friday
        ("2026-12-24", "2026-12-28T15:00:00Z"),  // Christmas on Friday and Saturday
        ("2025-12-31", "2026-01-02T15:00:00Z"),  // New Year
        ("2026-04-30", "2026-05-04T14:00:00Z"),  // 1 May on a Friday
        ("2026-03-27", "2026-03-30T14:00:00Z"),  // summer time begins on Sunday the 29th
        ("2026-10-22", "2026-10-23T14:00:00Z"),  // the last Friday of summer time
        ("2026-10-23", "2026-10-26T15:00:00Z"),  // it ends on Sunday the 25th
        ("2026-11-21", "2026-11-23T15:00:00Z"),  // a date that should not be
    ])
    func `the next publication is at four in Frankfurt on the next open day`(
        date: String, expected: String
    ) throws {
        let publication = TargetCalendar.publication(after: try Self.date(date))
        #expect(RFC3339.format(publication) == expected)
    }

    @Test func `clocks change on the last Sundays of March and October`() throws {
        for (text, isSummer) in [
            ("2026-03-28", false), ("2026-03-29", true), ("2026-10-24", true),
            ("2026-10-25", false), ("2024-03-30", false), ("2024-03-31", true),
            ("2027-10-30", true), ("2027-10-31", false), ("2026-01-01", false),
            ("2026-12-31", false), ("2026-06-21", true),
        ] {
            #expect(TargetCalendar.isSummerTime(try Self.date(text)) == isSummer, "\(text)")
        }
    }
}
