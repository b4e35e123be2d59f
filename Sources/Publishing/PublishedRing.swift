import CivilTime
import DeltaProtocol
import Federation

/// One region's values, minute by minute, in a ring of slots that know their minute.
///
/// A slot is the short list that the store answers with, not a column per currency: a region uses
/// about 50 of the 300 currencies, a minute is always replaced whole, and two rings that hold the
/// same minutes share the lists (50 entries × 32 bytes × 1,500 minutes = 2.4 MB a region).
struct PublishedRing: Sendable {
    /// More than the retained minutes, so that a reader whose current minute stands still while
    /// regions go on keeps nearly two days of what comes. A power of two.
    static let slotCount = 4_096

    typealias Values = [RegionMinute.CurrencyValue]

    private var owners: [Minute]
    private var slots: [Values]

    init() {
        owners = Array(repeating: Minute(.min), count: Self.slotCount)
        slots = Array(repeating: [], count: Self.slotCount)
    }

    /// The values of the minute; empty if the ring has none. Setting them evicts the slot's former
    /// minute: callers set only minutes of `range(around:)`.
    subscript(minute: Minute) -> Values {
        get {
            let slot = Self.slot(of: minute)
            return owners[slot] == minute ? slots[slot] : []
        }
        set {
            let slot = Self.slot(of: minute)
            owners[slot] = minute
            slots[slot] = newValue
        }
    }

    /// The minutes that a ring holds while `current` is the window's last one: the retained ones
    /// and, in the remaining slots, those after it.
    static func range(around current: Minute) -> ClosedRange<Minute> {
        let first = current.advanced(by: 1 - Limits.retainedMinutes)
        return first...first.advanced(by: slotCount - 1)
    }

    private static func slot(of minute: Minute) -> Int {
        Int(truncatingIfNeeded: minute.number) & (slotCount - 1)
    }
}
