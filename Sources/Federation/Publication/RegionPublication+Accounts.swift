import CivilTime
import DeltaProtocol
import Money

/// Money beside the total: what came late, what lies ahead, what was corrected.
extension RegionPublication {
    /// Money by currency index in minutes `Limits.futureMinutes` after `now` or later: in no window
    /// yet. Nil where there is none.
    func moneyAhead(of now: UnixTime) -> [SlidingWindow.Sum]? {
        let first = now.minute.advanced(by: Limits.futureMinutes)
        var sums: [SlidingWindow.Sum]?
        func add(_ values: MinuteRing.Values) {
            for entry in values where !entry.value.isZero {
                let index = Int(entry.currency.index)
                if sums == nil { sums = Array(repeating: .init(), count: Currency.count) }
                sums?[index].amount += entry.value.publishedWide
                sums?[index].transfers += Int128(entry.value.transfers)
            }
        }
        for (minute, values) in beyond where minute >= first { add(values) }
        guard let current = shown.current else { return sums }
        let last = min(servedMinutes(around: current).upperBound, liveThrough)
        if first <= last {
            for minute in first...last { add(live[minute]) }
        }
        return sums
    }

    /// The corrections within the window: by currency index their sum, and in `transfers` the
    /// number of corrected buckets. Nil where there are none.
    var corrections: [SlidingWindow.Sum]? {
        guard let current = shown.current, !corrected.isEmpty else { return nil }
        let window = SlidingWindow.minutes(endingWith: current)
        var sums: [SlidingWindow.Sum]?
        for (minute, values) in corrected where window.contains(minute) {
            for entry in values {
                let index = Int(entry.currency.index)
                if sums == nil { sums = Array(repeating: .init(), count: Currency.count) }
                sums?[index].amount += Int128(entry.value.correction)
                sums?[index].transfers += 1
            }
        }
        return sums
    }
}
