import CivilTime
import DeltaProtocol
import Federation
import Money

/// Exact sums over the window, updated as minutes change, enter and leave.
///
/// A changed minute costs as much as it has currencies; a step of the window costs the two minutes
/// that enter and leave. `derivedSums` recomputes everything from the ring, as a check.
struct SlidingWindow: Sendable {
    /// Sums of one currency. `Int128`: 1,440 minutes of 1,000 shards at ±2^53 each need 74 bits.
    struct Sum: Hashable, Sendable {
        var amount: Int128 = 0
        var transfers: Int128 = 0

        var isZero: Bool { amount == 0 && transfers == 0 }
    }

    private(set) var ring = PublishedRing()
    /// By currency index.
    private(set) var sums = [Sum](repeating: Sum(), count: Currency.count)
    /// The window's last minute; nil before the first `advance`.
    private(set) var current: Minute?

    static func minutes(endingWith current: Minute) -> ClosedRange<Minute> {
        current.advanced(by: 1 - Limits.windowMinutes)...current
    }

    /// Replaces one minute. It must be one that the ring serves around the current minute.
    mutating func replace(_ minute: Minute, with values: PublishedRing.Values) {
        guard let current else {
            preconditionFailure("a minute was set before the window had a position")
        }
        if Self.minutes(endingWith: current).contains(minute) {
            add(ring[minute], sign: -1)
            add(values, sign: 1)
        }
        ring[minute] = values
    }

    /// Moves the window so that it ends with `minute`; an earlier minute has no effect.
    mutating func advance(to minute: Minute) {
        guard let current else {
            self.current = minute
            return
        }
        guard minute > current else { return }
        self.current = minute
        guard current.distance(to: minute) < Limits.windowMinutes else {
            sums = derivedSums()
            return
        }
        let old = Self.minutes(endingWith: current)
        let new = Self.minutes(endingWith: minute)
        for left in old.lowerBound..<new.lowerBound { add(ring[left], sign: -1) }
        for entered in current.advanced(by: 1)...minute { add(ring[entered], sign: 1) }
    }

    /// The sums computed from the ring.
    func derivedSums() -> [Sum] {
        var derived = SlidingWindow.none
        guard let current else { return derived }
        for minute in Self.minutes(endingWith: current) {
            for entry in ring[minute] {
                derived[Int(entry.currency.index)].amount += entry.value.publishedWide
                derived[Int(entry.currency.index)].transfers += Int128(entry.value.transfers)
            }
        }
        return derived
    }

    /// Replaces the running sums with those computed from the ring. Returns true if they differed.
    mutating func repairSums() -> Bool {
        let derived = derivedSums()
        guard derived != sums else { return false }
        sums = derived
        return true
    }

    private static let none = [Sum](repeating: Sum(), count: Currency.count)

    private mutating func add(_ values: PublishedRing.Values, sign: Int128) {
        for entry in values {
            let index = Int(entry.currency.index)
            sums[index].amount += sign * entry.value.publishedWide
            sums[index].transfers += sign * Int128(entry.value.transfers)
        }
    }
}
