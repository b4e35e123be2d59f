/// What became of all looks at a source since the start.
package struct RatesCounters: Hashable, Sendable {
    /// Sets that were taken and differ from the one before.
    package var accepted = 0
    /// Times the source said that the last good rates are its present ones.
    package var confirmed = 0
    /// Times there was nothing to take, by reason.
    package var problems: [RatesProblem: Int] = [:]

    package init() {}
}
