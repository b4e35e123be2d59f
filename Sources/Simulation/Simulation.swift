/// Runs the real core in a seeded world of faults and checks it against a second implementation.
///
/// The core is the production code: the fold, the push, the join, the wire format, HQ's merge and
/// the publisher. Kafka, the network, the store and time are models. A run is a pure function of
/// its seed: no clock, no threads, no hash order.
package enum Simulation {
    /// The minimum number of seeds in a sweep that must reach every situation.
    package static let seedsForProbes = 500

    /// Runs one seed to its end or to the first failed check.
    ///
    /// - Parameter trace: called with a line for each event.
    package static func run(seed: UInt64, trace: ((String) -> Void)? = nil) -> SeedReport {
        World(options: SeedOptions(seed: seed), onTrace: trace).run()
    }
}
