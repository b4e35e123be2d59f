import Simulation
import Synchronization

/// Runs many seeds on several threads; the report is the same for any number of them.
final class SeedSweep: Sendable {
    /// One of this many seeds runs a second time and must end with the same hash.
    private static let repeatEvery: UInt64 = 50

    private let seeds: Range<UInt64>
    private let jobs: Int
    private let state: Mutex<State>

    struct Outcome: Sendable {
        var report: SweepReport
        /// How many seeds ran twice, and which of them differed.
        var repeated: Int
        var unrepeatable: [UInt64]
        /// By seed, in order.
        var outcomes: [(seed: UInt64, SeedReport.Outcome)]
    }

    private struct State {
        var next: UInt64
        var reports: [UInt64: SeedReport] = [:]
        var repeated = 0
        var unrepeatable: [UInt64] = []
        var hasFailed = false
    }

    init(seeds: Range<UInt64>, jobs: Int) {
        self.seeds = seeds
        self.jobs = jobs
        state = Mutex(State(next: seeds.lowerBound))
    }

    /// Runs the seeds in order until all are done or one has failed; finishes those under way.
    ///
    /// - Parameter progress: called with the number of finished seeds, from any thread.
    func run(progress: @escaping @Sendable (Int) -> Void) async -> Outcome {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<jobs {
                group.addTask {
                    while let seed = self.take() {
                        let report = Simulation.run(seed: seed)
                        let again = seed % Self.repeatEvery == 0 ? Simulation.run(seed: seed) : nil
                        progress(self.note(report, again))
                    }
                }
            }
        }
        return state.withLock { state in
            var report = SweepReport()
            var outcomes: [(seed: UInt64, SeedReport.Outcome)] = []
            for seed in seeds {
                guard let one = state.reports[seed] else { continue }
                report.add(one)
                outcomes.append((seed, one.outcome))
            }
            return Outcome(
                report: report, repeated: state.repeated,
                unrepeatable: state.unrepeatable.sorted(), outcomes: outcomes)
        }
    }

    private func take() -> UInt64? {
        state.withLock { state in
            guard !state.hasFailed, state.next < seeds.upperBound else { return nil }
            state.next += 1
            return state.next - 1
        }
    }

    private func note(_ report: SeedReport, _ again: SeedReport?) -> Int {
        state.withLock { state in
            state.reports[report.seed] = report
            if report.failure != nil { state.hasFailed = true }
            if let again {
                state.repeated += 1
                if again.hash != report.hash {
                    state.unrepeatable.append(report.seed)
                    state.hasFailed = true
                }
            }
            return state.reports.count
        }
    }
}
