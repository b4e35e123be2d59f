import Identifiers
import KafkaClient
package import Logging
import Platform
import RegionCore
internal import ServiceLifecycle
import Synchronization
import Topology

/// A regional aggregator: reads the region's topic, keeps its minutes in memory, and pushes changes
/// to every HQ. Stateless: a restarted node rebuilds its shards from the log.
package struct RegionService: Service {
    private let configuration: RegionConfiguration
    private let logger: Logger

    package init(_ configuration: RegionConfiguration, logger: Logger) {
        self.configuration = configuration
        var logger = logger
        logger[metadataKey: "region"] = "\(configuration.region.id)"
        logger[metadataKey: "node"] = "\(configuration.node)"
        self.logger = logger
    }

    /// Runs until the service group stops it gracefully or its task is cancelled, with the same
    /// effect. Throws for a fatal Kafka error, or for settings that do not fit the topic.
    package func run() async throws {
        let region = configuration.region
        guard !configuration.headquarters.isEmpty else {
            throw RegionError("hq: expected at least one")
        }
        guard let log = region.currentLog?.id else {
            throw RegionError("region \(region.id): expected at least one log")
        }
        let inbox = Inbox<RegionEvent>()
        let watcher = try LogWatcher(region: region, inbox: inbox, logger: logger)
        let links = try configuration.headquarters.enumerated().map { place, headquarters in
            try HeadquartersConnection(headquarters, place: place, region: region.id, inbox: inbox)
        }
        let isStopping = StopFlag()
        let outcome: Result<Void, any Error>
        do {
            try await withTaskCancellationOrGracefulShutdownHandler {
                guard let count = try await partitionCount(watcher, isStopping) else { return }
                let settings = configuration.settings(log: log, partitionCount: count)
                try await run(settings, links, watcher, inbox, isStopping)
            } onCancelOrGracefulShutdown: {
                isStopping.set()
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        // Even after an error: a thread inside a C library must not outlive the process's teardown.
        for link in links { await link.stop() }
        await watcher.stop()
        try outcome.get()
    }

    /// Runs the node and its links until the node ends.
    private func run(
        _ settings: RegionNodeSettings, _ links: [HeadquartersConnection], _ watcher: LogWatcher,
        _ inbox: Inbox<RegionEvent>, _ isStopping: StopFlag
    ) async throws {
        let configuration = configuration
        let logger = logger
        let thread = try WorkerThread<Void>(name: "region-node", capacity: 1)
        let outcome = await withTaskGroup(of: Void.self) { group in
            for link in links { group.addTask { await link.run() } }
            let outcome: Result<Void, any Error>
            do {
                try await thread.perform { _ in
                    try NodeDriver(
                        configuration, settings: settings, links: links, watcher: watcher,
                        inbox: inbox, logger: logger
                    ).run { isStopping.isSet }
                }
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            for link in links { await link.stop() }
            return outcome
        }
        await thread.stop()
        try outcome.get()
    }

    /// Waits for the broker to report the topic's partition count and checks it against the region
    /// file, because more partitions are a new log. Nil if the service stops first.
    private func partitionCount(
        _ watcher: LogWatcher, _ isStopping: StopFlag
    ) async throws -> Int32? {
        var hasWarned = false
        while !isStopping.isSet {
            do {
                let count = Int32(clamping: try await watcher.partitionCount())
                let declared = configuration.region.currentLog?.partitions
                guard declared == nil || declared == count, count <= ShardID.maximumPartitions
                else {
                    throw RegionError.partitions(
                        of: configuration.region,
                        expected: declared.map(String.init)
                            ?? "at most \(ShardID.maximumPartitions)", found: Int(count))
                }
                return count
            } catch let error as KafkaError where error.isRetriable {
                if !hasWarned {
                    logger.warning("kafka does not answer", metadata: ["error": "\(error)"])
                }
                hasWarned = true
                // Cancelled only if the service stops.
                try? await Task.sleep(for: .milliseconds(500))
            }
        }
        return nil
    }
}

/// Set once, from any thread.
private final class StopFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    func set() { flag.store(true, ordering: .releasing) }
}
