import Addresses
import ArgumentParser
import CivilTime
import Glibc
import Logging
import Platform
import PublicAPI
import ServiceLifecycle
import UnixSignals

/// Serves the public interface with made-up reports, for load tests without regions, logs and a
/// store.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve the public interface with made-up figures.",
        discussion: """
            Prints `public http://HOST:PORT` when it listens. An event's id ends with the time of \
            its publication in milliseconds. SIGTERM and SIGINT stop it.

            EXAMPLE:
              tributary-bench serve --port 8080
            """)

    @Option(help: "Address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "Port to listen on; 0 takes a free one.")
    var port: UInt16 = 0

    @Option(help: "Number of threads; all cores by default.")
    var threads: Int?

    @Option(help: "Connections at a time.")
    var connectionsMax = 100_000

    @Option(help: "Milliseconds between two reports; 0 publishes only one.")
    var interval = 1_000

    @Option(help: "One report in this many is degraded; 0 for none.")
    var degradedEvery = 0

    @Flag(help: "Publish no report.")
    var empty = false

    func run() async throws {
        let synthetic = SyntheticReport()
        let published = ReportBoard()
        var configuration = PublicServerConfiguration(
            address: HostPort(host: host, port: Int(port)))
        configuration.threads = threads
        configuration.connectionsMax = connectionsMax
        let api = PublicAPI(
            bases: synthetic.bases, defaultBase: synthetic.bases[0], published: published)
        let logger = Logger(label: "serve")
        let server = api.listener(configuration, logger: logger) { address in
            print("public http://\(address)")
            fflush(nil)
        }
        let feed = Feed(
            synthetic: synthetic, published: published,
            interval: empty ? nil : .milliseconds(interval), degradedEvery: degradedEvery)
        var group = ServiceGroupConfiguration(
            services: [feed, server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(10)
        group.maximumCancellationDuration = .seconds(5)
        try await ServiceGroup(configuration: group).run()
    }
}

/// Publishes a report, and another one after each interval.
private struct Feed: Service {
    let synthetic: SyntheticReport
    let published: ReportBoard
    /// Nil publishes nothing, zero one report.
    let interval: Duration?
    let degradedEvery: Int

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            guard let interval else { return try await Task.sleep(for: .seconds(86_400)) }
            var rateSets = RateSetShelf()
            rateSets.put(synthetic.rateSet)
            var round = 0
            var next = ContinuousClock.now
            while true {
                let isDegraded = degradedEvery > 0 && round % degradedEvery == degradedEvery - 1
                published.publish(
                    RenderedReport(
                        report: synthetic.report(
                            at: now(), round: round, isDegraded: isDegraded),
                        rateSets: rateSets))
                published.notifyViewers()
                round += 1
                next = next + (interval == .zero ? .seconds(86_400) : interval)
                try await Task.sleep(until: next, clock: .continuous)
            }
        }
    }

    private func now() -> UnixTime { SystemClock.now() }
}
