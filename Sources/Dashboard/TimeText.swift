internal import CivilTime

/// Formats times for people, always in UTC.
enum TimeText {
    /// `25 March 2026, 13:28:00 UTC`.
    static func full(_ time: UnixTime) -> String { "\(date(time)), \(clock(time))" }

    /// `13:28:00 UTC`.
    static func clock(_ time: UnixTime) -> String {
        "\(RFC3339.format(time).dropFirst(11).prefix(8)) UTC"
    }

    /// `13:28` for a minute.
    static func clock(_ minute: Minute) -> String {
        String(RFC3339.format(minute).dropFirst(11))
    }

    /// `25 March, 13:28` for a minute.
    static func day(_ minute: Minute) -> String {
        let date = civil(minute)
        return "\(date.day) \(months[date.month - 1]), \(clock(minute))"
    }

    /// `25 March 2026`.
    static func date(_ time: UnixTime) -> String {
        let date = civil(time.minute)
        return "\(date.day) \(months[date.month - 1]) \(date.year)"
    }

    private static func civil(_ minute: Minute) -> CivilDate {
        let days = Int(minute.number).quotientAndRemainder(dividingBy: 1_440)
        return CivilDate(daysSinceEpoch: days.quotient - (days.remainder < 0 ? 1 : 0))
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ]
}

extension Markup {
    /// A time that machines can read too.
    mutating func time(_ time: UnixTime, id: String? = nil, text: String) {
        element("time", ["id": id, "datetime": RFC3339.format(time)], text: text)
    }

    /// The age of `time` at `now`, when the page was rendered. The script updates it, so it is
    /// hidden from screen readers, which would announce each change.
    mutating func age(of time: UnixTime, at now: UnixTime, id: String? = nil) {
        let milliseconds = now.milliseconds.subtractingReportingOverflow(time.milliseconds)
        element(
            "span",
            [
                "class": "age", "id": id, "data-since": RFC3339.format(time),
                "aria-hidden": "true",
            ],
            text: "\(Figures.span(milliseconds: milliseconds.partialValue)) ago")
    }
}
