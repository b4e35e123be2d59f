internal import CivilTime

/// The dates of HTTP (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
package enum HTTPDate {
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    /// 1970-01-01 was a Thursday.
    private static let firstWeekday = 4
    private static let daySeconds = 86_400

    /// - Parameter seconds: since 1970-01-01, from the years 1970 to 9999.
    package static func text(seconds: Int) -> String {
        let days = seconds / daySeconds
        let second = seconds % daySeconds
        let date = CivilDate(daysSinceEpoch: days)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return weekdays[(days + firstWeekday) % weekdays.count]
            + ", \(two(date.day)) \(months[date.month - 1]) \(date.year) "
            + "\(two(second / 3_600)):\(two(second / 60 % 60)):\(two(second % 60)) GMT"
    }
}
