import ArgumentParser
import Glibc

/// The commands of `make bench`: each measures one thing and prints it on one line.
@main struct TributaryBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tributary-bench",
        abstract: "Measure Tributary's parts.",
        subcommands: [
            ProduceCommand.self, ConsumeCommand.self, ServeCommand.self, ViewersCommand.self,
            RatesCommand.self,
        ])

    static func main() async {
        signal(SIGPIPE, SIG_IGN)
        await main(nil)
    }
}
