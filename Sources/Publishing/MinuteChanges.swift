import CivilTime

/// A position in the list of changed minutes. Positions of one publication are comparable.
package struct ChangePosition: Hashable, Sendable {
    fileprivate var number: Int
}

/// The minutes of each region that were shown with new values, in order, for readers that come at
/// their own pace.
///
/// It remembers a bounded number of changes. A reader that was away for longer must read every
/// minute.
struct MinuteChanges: Sendable {
    struct Change: Hashable {
        /// The region's index in the settings.
        var region: Int
        var minute: Minute
    }

    /// The minimum number of remembered changes: ten days of one region, or a whole day of eleven.
    static let remembered = 16_384

    private var changes: [Change] = []
    /// The number of forgotten changes.
    private var forgotten = 0

    var end: ChangePosition { ChangePosition(number: forgotten + changes.count) }

    mutating func append(region: Int, minutes: [Minute]) {
        for minute in minutes { changes.append(Change(region: region, minute: minute)) }
        guard changes.count > 2 * Self.remembered else { return }
        let excess = changes.count - Self.remembered
        changes.removeFirst(excess)
        forgotten += excess
    }

    /// The changes after `position`; nil if `position` is nil or some of them are forgotten.
    func since(_ position: ChangePosition?) -> ArraySlice<Change>? {
        guard let position, position.number >= forgotten else { return nil }
        return changes.dropFirst(position.number - forgotten)
    }
}
