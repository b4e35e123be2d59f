import CivilTime

/// How far a reader of changed minutes has come. Positions of one publication compare.
package struct ChangePosition: Hashable, Sendable {
    fileprivate var number: Int
}

/// Which minutes of which region were shown with new values, in the order in which that happened,
/// for readers that come at their own pace.
///
/// It remembers a bounded number of changes. A reader that stayed away for longer has to look at
/// every minute.
struct MinuteChanges: Sendable {
    struct Change: Hashable {
        /// The region's place in the settings.
        var region: Int
        var minute: Minute
    }

    /// At least so many changes are remembered: ten days of one region, or a whole day of eleven.
    static let remembered = 16_384

    private var changes: [Change] = []
    /// Changes that are forgotten.
    private var forgotten = 0

    var end: ChangePosition { ChangePosition(number: forgotten + changes.count) }

    mutating func append(region: Int, minutes: [Minute]) {
        for minute in minutes { changes.append(Change(region: region, minute: minute)) }
        guard changes.count > 2 * Self.remembered else { return }
        let excess = changes.count - Self.remembered
        changes.removeFirst(excess)
        forgotten += excess
    }

    /// The changes after `position`; nil where some of them are forgotten, or for no position.
    func since(_ position: ChangePosition?) -> ArraySlice<Change>? {
        guard let position, position.number >= forgotten else { return nil }
        return changes.dropFirst(position.number - forgotten)
    }
}
