import ArgumentParser
import Foundation
import Synchronization
import UnixSignals

/// `tributary demo`: the whole product on one machine, checked against itself at the end.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Run regions, HQ and Redis on this machine, and check the total at the end.",
        discussion: """
            Starts a redis-server, one broker and one aggregator for each region, and HQ, as \
            processes of their own on 127.0.0.1; fills in a day of history; then produces live \
            transfers until Ctrl-C or for --seconds. Regions differ in size and time zone; half \
            of the transfers are worth less than 200 US dollars. At the end it compares what HQ \
            publishes with the sum of what it produced and says `exact`, or what differs (exit \
            status 1). Ctrl-C before the live transfers, or during the comparison, ends it without \
            a verdict (exit status 130). It leaves nothing behind.

            EXAMPLE:
              tributary demo
              tributary demo --regions 2 --rate 200 --history 1h --seconds 30
              curl 'http://127.0.0.1:8080/v1/metrics/money-moved/24h?base_currency=USD'
            """)

    @Option(help: "The topology to copy.")
    var topology = "topology.yaml"

    @Option(help: "How many of the topology's regions to run; all of them if left out.")
    var regions: Int?

    @Option(
        help: ArgumentHelp(
            "Transfers a second, past and live, over all regions, on the average of a day.",
            valueName: "per-second"))
    var rate = 20

    @Option(help: "How much of the past to fill in, as in 24h or 90m; 0s for none.")
    var history = SpanArgument(milliseconds: 86_400_000)

    @Option(help: "Stop after so many seconds of live transfers; at Ctrl-C if left out.")
    var seconds: Int?

    @Option(help: "Port of the public listener; 0 picks a free one.")
    var port: UInt16 = 8080

    @Option(help: "Selects everything that is random.")
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
                --rate must be at most \(Self.historyRateMax) with a --history of 24h, more with a \
                shorter one: the broker keeps 5 MiB for each partition.
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

    /// For how long there are live transfers: sixty days, longer than any demo.
    static let secondsMax = 60 * 86_400

    /// Transfers a second that a day of history can have.
    private static let historyRateMax: Int64 = 200

    /// As a shell reports SIGINT.
    private static let interrupted = ExitCode(130)
}

/// How often the demo was told to end.
final class DemoInterrupts: Sendable {
    private let heard = Atomic(0)

    var count: Int { heard.load(ordering: .acquiring) }

    /// Counts until the task is cancelled.
    func listen(to signals: UnixSignalsSequence) async {
        for await _ in signals { heard.add(1, ordering: .acquiringAndReleasing) }
    }
}

/// Why the demo could not go on.
struct DemoFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
