/// What many seeds came to together, and whether that is enough to believe it.
package struct SweepReport: Sendable {
    /// Fewer commits a seed than this is a world that stood still.
    package static let commitsPerSeedMin = 100
    /// Fewer faults a seed than this is a world without weather.
    package static let faultsPerSeedMin = 5

    package private(set) var seeds = 0
    package private(set) var tally = Tally()
    package private(set) var probes = ProbeCounts()
    /// Over the hashes of all seeds, in the order in which they were added.
    package private(set) var hash = RollingHash()
    /// The first failure of each seed that failed.
    package private(set) var failures: [(seed: UInt64, what: String)] = []

    package init() {}

    /// Adds one seed's report. The combined hash is the same for the same order only.
    package mutating func add(_ report: SeedReport) {
        seeds += 1
        tally.add(report.tally)
        probes.add(report.probes)
        hash.add(report.hash.value)
        if let failure = report.failure { failures.append((report.seed, failure)) }
    }

    /// Why the sweep says less than it should, one line each; nothing of this is asked of fewer
    /// than `Simulation.seedsForProbes` seeds.
    package var shortcomings: [String] {
        guard seeds >= Simulation.seedsForProbes else { return [] }
        var lines = probes.missing.map { "no seed ever came to \($0.name)" }
        if tally.commits < seeds * Self.commitsPerSeedMin {
            lines.append("only \(tally.commits) commits in \(seeds) seeds")
        }
        if tally.faults < seeds * Self.faultsPerSeedMin {
            lines.append("only \(tally.faults) faults in \(seeds) seeds")
        }
        return lines
    }
}
