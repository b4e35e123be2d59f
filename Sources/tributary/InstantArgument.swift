import ArgumentParser
import CivilTime
import Foundation

/// A time: RFC 3339, `now`, or `now` minus a span such as `now-24h`.
struct InstantArgument: ExpressibleByArgument, Equatable {
    var time: UnixTime

    init(time: UnixTime) { self.time = time }

    init?(argument: String) {
        if let time = RFC3339.parse(argument) {
            self.time = time
        } else if argument == "now" {
            time = Self.now
        } else if argument.hasPrefix("now-"),
            let span = SpanArgument(argument: String(argument.dropFirst("now-".count)))
        {
            time = Self.now - span.milliseconds
        } else {
            return nil
        }
    }

    static var now: UnixTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UnixTime(
            milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
