import ArgumentParser
import Foundation
import Synchronization
import UnixSignals

/// `tributary demo`: the whole product on one machine, with an independent check at the end.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Run regions, HQ and Redis on this machine, and check the total at the end.",
        discussion: """
            Starts Redis, HQ, and a broker and an aggregator for each region as separate \
            processes on 127.0.0.1. Produces a day of history, then live transfers until Ctrl-C \
            or for --seconds. Regions differ in size and time zone; half of the transfers are \
            worth less than 200 US dollars. At the end, it compares what HQ publishes with the \
            sum of what it produced and prints `exact` or the differences (exit status 1). Ctrl-C \
            before the live transfers or during the comparison ends it without a result (exit \
            status 130). It removes all its files and processes.

            EXAMPLE:
              tributary demo
              tributary demo --regions 2 --rate 200 --history 1h --seconds 30
              curl 'http://127.0.0.1:8080/v1/metrics/money-moved/24h?base_currency=USD'
            """)

    @Option(help: "The topology to copy.")
    var topology = "topology.yaml"

    @Option(help: "How many of the topology's regions to run; all by default.")
    var regions: Int?

    @Option(
        help: ArgumentHelp(
            "Transfers a second in all regions together, averaged over a day; past and live.",
            valueName: "per-second"))
    var rate = 20

    @Option(help: "How much history to produce, such as 24h or 90m; 0s for none.")
    var history = SpanArgument(milliseconds: 86_400_000)

    @Option(help: "Seconds of live transfers; until Ctrl-C by default.")
    var seconds: Int?

    @Option(help: "Port of the public listener; 0 picks a free one.")
    var port: UInt16 = 8080

    @Option(help: "Seed for everything random.")
    var seed: UInt64 = 1

    func validate() throws {
        guard (1...100_000).contains(rate) else {
            throw ValidationError("--rate must be 1 to 100000.")
        }
        guard history.milliseconds <= 86_400_000 else {
            throw ValidationError("--history can be at most 24h.")
        }
        guard Int64(rate) * history.milliseconds <= Self.historyRateMax * 86_400_000 else {
            throw ValidationError(
                """
                --rate must be at most \(Self.historyRateMax) with a --history of 24h, because the \
                broker keeps only 5 MiB of each partition; a shorter history allows a higher rate.
                """)
        }
        guard seconds.map({ (1...Self.secondsMax).contains($0) }) ?? true else {
            throw ValidationError("--seconds must be 1 to \(Self.secondsMax).")
        }
        guard regions.map({ $0 > 0 }) ?? true else {
            throw ValidationError("--regions must be 1 or more.")
        }
    }

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        let interrupts = DemoInterrupts()
        async let _: Void = interrupts.listen(to: signals)
        let workspace = try DemoWorkspace(copying: topology, regions: regions, publicPort: port)
        let processes = try DemoProcesses(folder: workspace.folder)
        let isExact: Bool?
        do {
            isExact = try await Demo(
                workspace: workspace, processes: processes, interrupts: interrupts, options: self
            ).run()
        } catch {
            await processes.stopAll()
            let logs = processes.lastWords()
            workspace.remove()
            writeToStandardError("\n\(logs)")
            throw error
        }
        await processes.stopAll()
        workspace.remove()
        guard let isExact else {
            print("\nended without a comparison")
            throw Self.interrupted
        }
        if !isExact { throw ExitCode.failure }
    }

    /// Limit for live transfers: sixty days.
    static let secondsMax = 60 * 86_400

    /// The greatest rate, in transfers a second, for a day of history.
    private static let historyRateMax: Int64 = 200

    /// The status with which a shell reports SIGINT.
    private static let interrupted = ExitCode(130)
}

/// Counts the signals that ask the demo to end.
final class DemoInterrupts: Sendable {
    private let heard = Atomic(0)

    var count: Int { heard.load(ordering: .acquiring) }

    /// Runs until the task is cancelled.
    func listen(to signals: UnixSignalsSequence) async {
        for await _ in signals { heard.add(1, ordering: .acquiringAndReleasing) }
    }
}

/// Why the demo could not continue.
struct DemoFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
