/// The results of all checks of a source since the start.
package struct RatesCounters: Hashable, Sendable {
    /// Accepted sets that differ from the previous one.
    package var accepted = 0
    /// How often the source said that the last good rates are current.
    package var confirmed = 0
    /// How often a check brought nothing usable, by reason.
    package var problems: [RatesProblem: Int] = [:]

    package init() {}
}
