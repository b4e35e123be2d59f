internal import CivilTime

/// When the events of one generator are due.
struct EventTimes {
    private let start: UnixTime
    private let paceEvents: Int64
    private let paceMilliseconds: Int64
    private let curve: DayCurve?
    /// The start in the curve's even time.
    private let evenStart: Int64

    init(_ configuration: GeneratorConfiguration) {
        start = configuration.start
        paceEvents = Int64(configuration.paceEvents)
        paceMilliseconds = configuration.paceMilliseconds
        switch configuration.rhythm {
        case .even:
            curve = nil
            evenStart = 0
        case .dayAndNight(let utcOffsetMinutes):
            let curve = DayCurve(utcOffsetMinutes: utcOffsetMinutes)
            evenStart = curve.evenTime(of: start)
            self.curve = curve
        }
    }

    /// The time of the event at `position`; never decreases from one event to the next.
    func time(at position: Int) -> UnixTime {
        let elapsed = Int64(position) * paceMilliseconds / paceEvents
        guard let curve else { return start + elapsed }
        // Rounding within a millisecond of even time could give a time before the start.
        return max(start, curve.time(ofEven: evenStart + elapsed))
    }
}

/// The course of a region's day: quiet at night, busy from the morning on, busiest in the evening.
///
/// It redistributes an even stream within each day, without changing the number of events.
private struct DayCurve {
    /// For each minute of a local day, how much of an even day has passed at its beginning, in
    /// milliseconds; the last entry is the whole day.
    private let evenAtMinute: [Int64]
    private let offsetMilliseconds: Int64

    init(utcOffsetMinutes: Int) {
        offsetMilliseconds = Int64(utcOffsetMinutes) * Self.minuteMilliseconds
        // Interpolates weights linearly between two hours.
        let weights = (0..<Self.minutesOfDay).map { minute in
            let (hour, rest) = minute.quotientAndRemainder(dividingBy: 60)
            let next = Self.hourWeights[(hour + 1) % Self.hourWeights.count]
            return Int64(Self.hourWeights[hour] * (60 - rest) + next * rest)
        }
        let whole = weights.reduce(0, +)
        var passed: Int64 = 0
        var evenAtMinute: [Int64] = [0]
        for weight in weights {
            passed += weight
            evenAtMinute.append(passed * Self.dayMilliseconds / whole)
        }
        self.evenAtMinute = evenAtMinute
    }

    func evenTime(of time: UnixTime) -> Int64 {
        let (day, within) = Self.split(time.milliseconds + offsetMilliseconds)
        let (minute, rest) = within.quotientAndRemainder(dividingBy: Self.minuteMilliseconds)
        let first = evenAtMinute[Int(minute)]
        let length = evenAtMinute[Int(minute) + 1] - first
        return day * Self.dayMilliseconds + first + rest * length / Self.minuteMilliseconds
    }

    func time(ofEven even: Int64) -> UnixTime {
        let (day, within) = Self.split(even)
        // Finds the last minute that begins at or before that time.
        var (low, high) = (0, Self.minutesOfDay)
        while high - low > 1 {
            let middle = (low + high) / 2
            if evenAtMinute[middle] <= within { low = middle } else { high = middle }
        }
        let length = evenAtMinute[low + 1] - evenAtMinute[low]
        let rest = (within - evenAtMinute[low]) * Self.minuteMilliseconds / length
        return UnixTime(
            milliseconds: day * Self.dayMilliseconds + Int64(low) * Self.minuteMilliseconds + rest
                - offsetMilliseconds)
    }

    /// Days since 1970 and the milliseconds of the last one.
    private static func split(_ milliseconds: Int64) -> (day: Int64, within: Int64) {
        let (day, within) = milliseconds.quotientAndRemainder(dividingBy: dayMilliseconds)
        return within < 0 ? (day - 1, within + dayMilliseconds) : (day, within)
    }

    /// Relative weights of the beginning of each hour.
    private static let hourWeights = [
        30, 22, 17, 15, 16, 22, 36, 56, 78, 94, 100, 102, 108, 104, 102, 103, 106, 112, 118, 116,
        104, 86, 64, 44,
    ]
    private static let minutesOfDay = 1_440
    private static let minuteMilliseconds: Int64 = 60_000
    private static let dayMilliseconds: Int64 = 86_400_000
}
