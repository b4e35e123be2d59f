package import Addresses
import DeltaIngest
import Federation
import HTTPListener
import Identifiers
package import Logging
import Platform
import PublicAPI
import RatesFeed
import Recording
import RedisStore
import ServiceLifecycle
import Topology

/// Headquarters in one process: ingest commits the regions' deltas, the publisher reads the store
/// after commits, and the public API serves what the publisher published.
///
/// It also starts and serves without Redis: it answers 503 before the first report, and serves
/// the last good values with a label afterwards.
package struct HeadquartersService: Service {
    private let configuration: HeadquartersConfiguration
    private let commits: CommitState
    private let logger: Logger
    private let onListening: @Sendable (HeadquartersConfiguration.Interface, HostPort) async -> Void

    /// - Parameters:
    ///   - commits: the state of commit rounds, shared with everything that requests commands.
    ///   - onListening: called once for each interface with its bound address.
    package init(
        _ configuration: HeadquartersConfiguration, commits: CommitState = CommitState(),
        logger: Logger,
        onListening:
            @escaping @Sendable (HeadquartersConfiguration.Interface, HostPort) async ->
            Void = { _, _ in }
    ) {
        self.configuration = configuration
        self.commits = commits
        self.logger = logger
        self.onListening = onListening
    }

    /// Runs until a graceful shutdown.
    /// - Throws: `ListenerError` if an address cannot or must not be bound, `RedisStoreError` if
    ///   Redis is not on this machine, `RatesFeedError` if the feed of exchange rates cannot start,
    ///   `ForgottenRegions` if Redis holds money of regions that the topology lacks,
    ///   `RecordingError` if the recording cannot be written.
    package func run() async throws {
        var stores: [RedisStore] = []
        var services: [any Service] = []
        defer { commits.stopRecording() }
        if configuration.interfaces.contains(.public) {
            let store = try makeStore()
            stores.append(store)
            services += try publicServices(store)
        }
        if configuration.interfaces.contains(.ingest) {
            if let path = configuration.recordFile {
                commits.record(RoundRecorder(try RecordingFile(path)))
            }
            let store = try makeStore()
            stores.append(store)
            services += try ingestServices(store)
        }
        if let store = stores.first {
            do {
                try await refuseForgottenRegions(store)
            } catch {
                for store in stores { await store.stop() }
                throw error
            }
        }
        // Services stop in reverse order: the stores last.
        var group = ServiceGroupConfiguration(
            services: [StoreOwner(stores: stores)] + services, logger: logger)
        group.maximumGracefulShutdownDuration = configuration.shutdownDurationMax
        group.maximumCancellationDuration = .seconds(5)
        try await ServiceGroup(configuration: group).run()
    }

    /// Skips the check if the store does not answer, because HQ must start without it.
    private func refuseForgottenRegions(_ store: RedisStore) async throws {
        let regions: [RegionID]
        do {
            regions = try await store.foreignRegions(now: SystemClock.now())
        } catch {
            logger.warning(
                "cannot check whether Redis holds regions that the topology lacks",
                metadata: ["error": "\(error)"])
            return
        }
        if !regions.isEmpty { throw ForgottenRegions(regions: regions) }
    }

    private func publicServices(_ store: RedisStore) throws -> [any Service] {
        let topology = configuration.topology
        let published = ReportBoard()
        let api = PublicAPI(
            bases: topology.baseCurrencies, defaultBase: topology.defaultBase,
            published: published)
        let ratesFeed = try RatesFeed(
            topology: topology, logger: logger,
            keptIn: configuration.stateFile.map { "\($0).rates" })
        var publicServer = PublicServerConfiguration(address: configuration.publicAddress)
        publicServer.publicOrigin = topology.listeners.publicURL?.origin
        let feeds: [any Service] = ratesFeed.map { [$0] } ?? []
        let firstTurn = FirstTurn()
        return feeds + [
            Publisher(
                Publisher.Configuration(
                    topology: topology, stateInterval: configuration.stateInterval),
                store: store, ratesFeed: ratesFeed, published: published, commits: commits,
                keeper: try configuration.stateFile.map {
                    try StateKeeper(path: $0, logger: logger)
                }, firstTurn: firstTurn, logger: logger),
            api.listener(publicServer, logger: logger) {
                await firstTurn.wait()
            } onListening: { [onListening] in
                await onListening(.public, $0)
            },
        ]
    }

    private func ingestServices(_ store: RedisStore) throws -> [any Service] {
        let ingest = DeltaIngest(
            regions: configuration.topology.regions.map(\.id),
            handler: StoreDeltaHandler(
                store: store, configuration: configuration, commits: commits, logger: logger),
            logger: logger)
        let openFilesMax = OpenFiles.raiseLimit() ?? .max
        let connectionsMax = min(
            DeltaIngest.connectionsMax, OpenFiles.ingestConnections(of: openFilesMax))
        return [
            StoreMaintenance(
                store: store, commits: commits, interval: configuration.maintenanceInterval,
                logger: logger),
            try ingest.listener(
                on: configuration.ingestAddress, connectionsMax: connectionsMax
            ) { [onListening] in
                await onListening(.ingest, $0)
            },
        ]
    }

    /// Each side has its own connection, so that a large commit does not delay the publisher.
    private func makeStore() throws(RedisStoreError) -> RedisStore {
        let endpoint: RedisStoreConfiguration.Endpoint =
            switch configuration.topology.redis {
            case .tcp(let address): .tcp(host: address.host, port: address.port)
            case .unixSocket(let path): .unixSocket(path: path)
            }
        var store = RedisStoreConfiguration(
            endpoint: endpoint, regions: configuration.topology.regions.map(\.id))
        store.topology = StoreTopology(configuration.topology)
        for region in configuration.topology.regions {
            // No node reads a retired region, so its current log counts as an earlier one too.
            let read = region.state == .retired ? 0 : 1
            store.earlierLogs[region.id] = Set(region.countedLogs.dropLast(read).map(\.id))
        }
        return try RedisStore(configuration: store, logger: logger)
    }
}

/// Closes the stores after everything that uses them has stopped.
private struct StoreOwner: Service {
    let stores: [RedisStore]

    func run() async throws {
        // Returns at shutdown, or on cancellation after another service failed.
        try? await gracefulShutdown()
        for store in stores { await store.stop() }
    }
}
