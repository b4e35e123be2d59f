import ArgumentParser
import Glibc
import Logging

/// The one binary. Each command has its own file, and an entry in the list below.
@main struct Tributary: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tributary",
        abstract: "Money moved in the last 24 hours, across every region, exact to the minor unit.",
        subcommands: [
            BrokerCommand.self, DemoCommand.self, GenerateCommand.self, HeadquartersCommand.self,
            RegionCommand.self, RollupCommand.self, SimulateCommand.self,
        ])

    static func main() async {
        // A peer that disconnects must cause an error of the call, not end the process.
        signal(SIGPIPE, SIG_IGN)
        // Standard output is reserved for a command's results.
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        refuseUnknownCommand()
        await main(nil)
    }

    /// Exits with status 64 if the command does not exist.
    private static func refuseUnknownCommand() {
        let names = configuration.subcommands.compactMap { $0.configuration.commandName }
        if let complaint = CommandName.complaint(CommandLine.arguments.dropFirst(), known: names) {
            exit(withError: ValidationError(complaint))
        }
    }
}
