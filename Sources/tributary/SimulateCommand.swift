import ArgumentParser
import Foundation
import Recording
import Simulation

/// `tributary simulate`.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run the real core in seeded simulations with faults and check it.",
        discussion: """
            Each seed is one simulation: two regions, their logs, nodes and network, one or two \
            HQs with their stores, and faults. The nodes, the wire format, the commit rounds and \
            the publisher are those of production; a second, simple fold checks every commit. The \
            seed alone determines everything that happens.

            With --replay, repeats recordings of `tributary region --record` and `tributary hq \
            --record` with the same types; the actions must be the same, byte for byte.

            If a check fails, prints the seed and the command that repeats it, and exits with \
            status 1. Also exits with status 1 if a run of 500 seeds or more never reached one of \
            the listed situations.

            EXAMPLES
              tributary simulate --seeds '0..<2000'
              tributary simulate --seed 412 --trace | less
              tributary simulate --replay node.recording
            """)

    @Option(help: "The seeds to run.")
    var seeds = SeedRangeArgument(seeds: 0..<200)

    @Option(help: "Number of threads; all cores by default.")
    var jobs: Int?

    @Option(help: "Run only this seed and print its options.")
    var seed: UInt64?

    @Flag(help: "With --seed, print each event.")
    var trace = false

    @Flag(help: "Print two hashes for each seed: of its logs, and of HQ's final state.")
    var outcomes = false

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Repeat recordings instead of running seeds.", valueName: "file"))
    var replay: [String] = []

    private static let jobsMax = 256

    func validate() throws {
        if let jobs, !(1...Self.jobsMax).contains(jobs) {
            throw ValidationError("--jobs must be 1 to \(Self.jobsMax), not \(jobs).")
        }
        if trace, seed == nil { throw ValidationError("--trace needs --seed.") }
    }

    func run() async throws {
        guard replay.isEmpty else { return try repeatRecordings() }
        if let seed { return try runOne(seed) }
        let begun = ContinuousClock.now
        let line = ProgressLine()
        let sweep = await SeedSweep(
            seeds: seeds.seeds, jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount
        ).run { done in line.show { "\(done) seeds  \(Int(Double(done) / max($0, 0.001)))/s" } }
        line.clear()
        if outcomes {
            for (seed, outcome) in sweep.outcomes {
                Swift.print(
                    "outcome  \(seed) \(Self.hexadecimal(outcome.logs)) "
                        + Self.hexadecimal(outcome.state))
            }
        }
        Self.print(sweep.report, of: seeds.seeds, elapsed: ContinuousClock.now - begun)
        var isGood = true
        for failure in sweep.report.failures {
            isGood = false
            Swift.print("FAILED seed \(failure.seed): \(failure.what)")
            Swift.print("  repeat with: tributary simulate --seed \(failure.seed) --trace")
        }
        for seed in sweep.unrepeatable {
            isGood = false
            Swift.print("FAILED seed \(seed): a second run had a different hash")
        }
        // After a failure not all seeds ran, so a missing situation proves nothing.
        for shortcoming in isGood ? sweep.report.shortcomings : [] {
            isGood = false
            Swift.print("FAILED: \(shortcoming)")
        }
        guard isGood else { throw ExitCode(1) }
        Swift.print("every check held; \(sweep.repeated) seeds run twice, with equal hashes")
    }

    private func repeatRecordings() throws {
        var isGood = true
        for path in replay {
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw ValidationError("\(path): cannot be read")
            }
            let report: Replay.Report
            do {
                report = try Replay.run([UInt8](bytes))
            } catch let error as RecordingError {
                throw ValidationError("\(path): \(error)")
            }
            let kinds = report.actionsByKind.sorted { $0.key < $1.key }
                .map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            Swift.print(
                "\(path): \(report.kind), \(report.events) events, \(report.actions) actions "
                    + "(\(kinds))\(report.isCut ? ", cut within its last entry" : "")")
            if let difference = report.difference {
                isGood = false
                Swift.print("FAILED \(path): \(difference)")
            }
        }
        guard isGood else { throw ExitCode(1) }
        Swift.print("every action matches the recording")
    }

    private func runOne(_ seed: UInt64) throws {
        Swift.print(SeedOptions(seed: seed))
        let report = Simulation.run(seed: seed, trace: trace ? { Swift.print($0) } : nil)
        let probes = Probe.allCases.filter { report.probes[$0] > 0 }
        Self.print(report.tally)
        Swift.print("probes   \(probes.map(\.name).joined(separator: " "))")
        Swift.print("hash     \(Self.hexadecimal(report.hash))")
        guard let failure = report.failure else { return Swift.print("every check held") }
        Swift.print("FAILED seed \(seed): \(failure)")
        throw ExitCode(1)
    }

    private static func print(
        _ report: SweepReport, of seeds: Range<UInt64>, elapsed: Duration
    ) {
        let seconds = String(format: "%.1f", elapsed / .seconds(1))
        Swift.print("seeds    \(report.seeds) of \(seeds) in \(seconds) s")
        print(report.tally)
        let met = Probe.allCases.count - report.probes.missing.count
        Swift.print("probes   \(met) of \(Probe.allCases.count) situations met")
        Swift.print("hash     \(hexadecimal(report.hash))")
    }

    private static func print(_ tally: Tally) {
        Swift.print(
            """
            faults   \(tally.faults) in \(tally.virtualMilliseconds / 3_600_000) virtual hours
            messages \(tally.messages): \(tally.lost) lost, \(tally.duplicated) duplicated, \
            \(tally.truncated) truncated
            records  \(tally.records), shards rebuilt \(tally.rebuilds)
            commits  \(tally.commits), watermarks found lower \(tally.regressions)
            compared \(tally.comparisons) buckets
            wrong    \(tally.minorUnitsWrong) minor units
            """)
    }

    private static func hexadecimal(_ hash: RollingHash) -> String {
        String(format: "%016lx", hash.value)
    }
}
