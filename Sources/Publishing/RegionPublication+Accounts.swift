import CivilTime
import DeltaProtocol
import Federation
import Money

/// Money outside the total, and corrections within it.
extension RegionPublication {
    /// Sums by currency index over minutes at least `Limits.futureMinutes` after `now`; nil if
    /// there is no money in them.
    func moneyAhead(of now: UnixTime) -> [SlidingWindow.Sum]? {
        let first = now.minute.advanced(by: Limits.futureMinutes)
        var sums: [SlidingWindow.Sum]?
        func add(_ values: PublishedRing.Values) {
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

    /// Corrections in the window by currency index; `transfers` counts the corrected buckets. Nil
    /// if there are none.
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
