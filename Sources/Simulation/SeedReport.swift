/// The results of one seed's world.
package struct SeedReport: Sendable {
    package var seed: UInt64
    package var tally = Tally()
    package var probes = ProbeCounts()
    package var hash = RollingHash()
    package var outcome = Outcome()
    /// The first failed check; nil if all passed.
    package var failure: String?

    package init(seed: UInt64) { self.seed = seed }

    /// A world's final state, whatever path led to it.
    package struct Outcome: Hashable, Sendable {
        /// Over the final contents of the logs.
        package var logs = RollingHash()
        /// Over HQ's final watermarks and buckets, as far back as it knows them in full.
        package var state = RollingHash()
    }
}

/// Counts of events.
package struct Tally: Hashable, Sendable {
    package var events = 0
    package var records = 0
    package var faults = 0
    package var messages = 0
    package var lost = 0
    package var duplicated = 0
    package var truncated = 0
    package var commits = 0
    package var rebuilds = 0
    /// How often a region found HQ below a coverage that HQ had acknowledged.
    package var regressions = 0
    /// Buckets compared with the second fold.
    package var comparisons = 0
    /// The sum of all differences found, in minor units.
    package var minorUnitsWrong: UInt64 = 0
    /// Virtual milliseconds that passed in the world.
    package var virtualMilliseconds: Int64 = 0

    package init() {}

    package mutating func add(_ other: Tally) {
        events += other.events
        records += other.records
        faults += other.faults
        messages += other.messages
        lost += other.lost
        duplicated += other.duplicated
        truncated += other.truncated
        commits += other.commits
        rebuilds += other.rebuilds
        regressions += other.regressions
        comparisons += other.comparisons
        minorUnitsWrong += other.minorUnitsWrong
        virtualMilliseconds += other.virtualMilliseconds
    }
}
