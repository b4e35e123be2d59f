/// Runs the real core in a seeded world of faults, and judges it by a second implementation.
///
/// The core is what production runs: the fold, the push, the join, the wire format, HQ's merge and
/// the publisher. Kafka, the network, the store and time are models. A run is a pure function of
/// its seed: no clock, no threads, no hash order.
package enum Simulation {
    /// A sweep of fewer seeds than this cannot be asked to have met every situation.
    package static let seedsForProbes = 500

    /// Runs one seed to its end or to the first failed check.
    ///
    /// - Parameter trace: called with a line for each thing that happens.
    package static func run(seed: UInt64, trace: ((String) -> Void)? = nil) -> SeedReport {
        World(options: SeedOptions(seed: seed), onTrace: trace).run()
    }
}
