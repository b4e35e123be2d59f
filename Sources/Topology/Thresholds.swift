/// When HQ considers something late, and which figures it may show.
package struct Thresholds: Hashable, Sendable {
    /// How often an idle shard pushes. Default 2 s.
    package var heartbeat: Duration = .seconds(2)
    /// A region that has not pushed for this long is silent. Default 10 s.
    package var silentAfter: Duration = .seconds(10)
    /// A region whose events are seen later than this degrades the total. Default 30 s.
    package var degradedLag: Duration = .seconds(30)
    /// A region whose events are seen later than this alerts an operator. Default 10 minutes.
    package var alertLag: Duration = .seconds(600)
    /// A public figure with fewer transfers is folded into "other". Default 5.
    package var minimumTransfers = 5

    package init() {}

    /// No threshold may be longer than a day, the length of the window.
    package static let maximumDuration: Duration = .seconds(86_400)
    /// No figure needs more transfers than this to be shown.
    package static let maximumMinimumTransfers = 1_000_000
}
