import Addresses
import ArgumentParser
import Foundation
import HTTPListener
import HeadquartersService
import Identifiers
import Logging
import Recording
import RedisStore
import ServiceLifecycle
import UnixSignals

/// `tributary hq`: headquarters.
struct HeadquartersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hq",
        abstract: "Merge every region into one total and serve it.",
        discussion: """
            Commits the regions' deltas to the global Redis and publishes the 24h total after each \
            commit, at the topology's pace. It also starts without Redis; the public API then \
            answers 503 until there is a first snapshot.

            When it listens, it prints a line for each interface, such as \
            `public http://127.0.0.1:8080`. SIGTERM and SIGINT stop it gracefully.

            If the topology is invalid, it prints the problems to standard error, one per line, \
            and exits with status 78.

            EXAMPLE:
              tributary hq --topology topology.yaml --state /var/lib/tributary/hq.state
              tributary hq --listeners public --public-port 8090
              curl 'http://127.0.0.1:8080/v1/metrics/money-moved/24h?base_currency=USD'
            """)

    @OptionGroup var topologyOption: TopologyOption

    @Option(
        name: .customLong("listeners"),
        help: ArgumentHelp(
            "Interfaces to serve, separated by commas.", valueName: "public,ingest"))
    var interfaces = InterfaceList()

    @Option(help: "Port of the public API instead of the topology's; 0 picks a free one.")
    var publicPort: UInt16?

    @Option(help: "Port of ingest instead of the topology's; 0 picks a free one.")
    var ingestPort: UInt16?

    @Option(
        name: .customLong("state"),
        help: ArgumentHelp(
            "Save the published values in this file, and continue from them after a restart.",
            discussion: """
                If Redis is empty or has lost data, the restarted process then shows the last good \
                values until the regions have refilled Redis. Each process needs its own file. \
                FILE.rates next to it holds a provider's last good exchange rates.
                """, valueName: "file"))
    var stateFile: String?

    @Option(
        help: ArgumentHelp(
            "Write every event and action of commit rounds to this new file.",
            discussion: """
                `tributary simulate --replay FILE` repeats the events and compares the actions. \
                The file contains the regions' deltas; only its owner can read it.
                """, valueName: "file"))
    var record: String?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning or error.", valueName: "level"))
    var logLevel = "notice"

    func run() async throws {
        var configuration = HeadquartersConfiguration(
            topology: try topologyOption.load(), interfaces: interfaces.interfaces)
        if let publicPort { configuration.publicAddress.port = Int(publicPort) }
        configuration.stateFile = stateFile
        configuration.recordFile = record
        if let ingestPort { configuration.ingestAddress.port = Int(ingestPort) }

        let logger = try LogLevel.logger("hq", logLevel)
        let service = HeadquartersService(configuration, logger: logger) { interface, address in
            print("\(interface.rawValue) http://\(address)")
            fflush(nil)
        }
        var group = ServiceGroupConfiguration(
            services: [service], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(15)
        group.maximumCancellationDuration = .seconds(10)
        do {
            try await ServiceGroup(configuration: group).run()
        } catch let error as RecordingError {
            throw ValidationError("--record \(error)")
        } catch let error as ListenerError {
            printError("\(error)")
            throw ExitCode.failure
        } catch let error as RedisStoreError {
            printError("\(error)")
            throw ExitCode.failure
        }
    }

    private func printError(_ text: String) {
        FileHandle.standardError.write(Data("\(text)\n".utf8))
    }
}

/// A list of interfaces on the command line.
struct InterfaceList: ExpressibleByArgument {
    var interfaces = Set(HeadquartersConfiguration.Interface.allCases)

    init() {}

    init?(argument: String) {
        let names = argument.split(separator: ",", omittingEmptySubsequences: false)
        let named = names.map { HeadquartersConfiguration.Interface(rawValue: String($0)) }
        guard !named.contains(nil) else { return nil }
        interfaces = Set(named.compactMap(\.self))
    }

    var defaultValueDescription: String {
        HeadquartersConfiguration.Interface.allCases.map(\.rawValue).joined(separator: ",")
    }
}
