/// The combined results of many seeds, and whether they are sufficient.
package struct SweepReport: Sendable {
    /// With fewer commits per seed than this, the worlds hardly did anything.
    package static let commitsPerSeedMin = 100
    /// With fewer faults per seed than this, the worlds were too calm.
    package static let faultsPerSeedMin = 5

    package private(set) var seeds = 0
    package private(set) var tally = Tally()
    package private(set) var probes = ProbeCounts()
    /// Over the hashes of all seeds, in the order of addition.
    package private(set) var hash = RollingHash()
    /// The first failure of each seed that failed.
    package private(set) var failures: [(seed: UInt64, what: String)] = []

    package init() {}

    /// Adds one seed's report. The combined hash depends on the order.
    package mutating func add(_ report: SeedReport) {
        seeds += 1
        tally.add(report.tally)
        probes.add(report.probes)
        hash.add(report.hash.value)
        if let failure = report.failure { failures.append((report.seed, failure)) }
    }

    /// Why the sweep proves too little, one line each. Empty for fewer than
    /// `Simulation.seedsForProbes` seeds.
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
