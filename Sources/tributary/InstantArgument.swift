import ArgumentParser
import CivilTime
import Platform

/// A time: RFC 3339, `now`, or `now` minus a span such as `now-24h`.
struct InstantArgument: ExpressibleByArgument, Equatable {
    var time: UnixTime

    init(time: UnixTime) { self.time = time }

    init?(argument: String) {
        if let time = RFC3339.parse(argument) {
            self.time = time
        } else if argument == "now" {
            time = SystemClock.now()
        } else if argument.hasPrefix("now-"),
            let span = SpanArgument(argument: String(argument.dropFirst("now-".count)))
        {
            time = SystemClock.now() - span.milliseconds
        } else {
            return nil
        }
    }
}
