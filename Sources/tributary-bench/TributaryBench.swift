import ArgumentParser
import Glibc

/// What `make bench` runs: each command measures one thing and prints it on one line.
@main struct TributaryBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tributary-bench",
        abstract: "Measure Tributary's parts.",
        subcommands: [FoldCommand.self, ProduceCommand.self, ConsumeCommand.self])

    static func main() async {
        signal(SIGPIPE, SIG_IGN)
        await main(nil)
    }
}

struct FoldCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fold", abstract: "Fold a file of records in memory, without Kafka.")

    @Argument(help: "A file of one JSON record a line.")
    var path: String

    func run() { FoldBenchmark.run(path: path) }
}
