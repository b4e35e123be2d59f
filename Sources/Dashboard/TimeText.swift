internal import CivilTime

/// Times as people read them, always UTC.
enum TimeText {
    /// `25 March 2026, 13:28:00 UTC`.
    static func full(_ time: UnixTime) -> String { "\(date(time)), \(clock(time))" }

    /// `13:28:00 UTC`.
    static func clock(_ time: UnixTime) -> String {
        "\(RFC3339.format(time).dropFirst(11).prefix(8)) UTC"
    }

    /// `13:28`, of a minute.
    static func clock(_ minute: Minute) -> String {
        String(RFC3339.format(minute).dropFirst(11))
    }

    /// `25 March, 13:28`, of a minute.
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
    /// A time that machines can read as well.
    mutating func time(_ time: UnixTime, id: String? = nil, text: String) {
        element("time", ["id": id, "datetime": RFC3339.format(time)], text: text)
    }

    /// How long ago `time` was when the page was made. The script keeps it up to date, so it is no
    /// part of what a status says aloud.
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
