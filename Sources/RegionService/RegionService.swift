import KafkaClient
package import Logging
internal import ServiceLifecycle
import Synchronization
import Topology
import WorkerThread

/// A regional aggregator: reads the region's topic, keeps its minutes in memory, and pushes what
/// changed to every HQ. Stateless: a node that starts anew rebuilds its shards from the log.
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

    /// Runs until the service group stops it gracefully. A fatal error of Kafka's, or settings
    /// that do not fit the topic, end it by throwing.
    package func run() async throws {
        let region = configuration.region
        guard !configuration.headquarters.isEmpty else {
            throw RegionError("hq: expected at least one")
        }
        let watcher = try LogWatcher(region: region, logger: logger)
        let count = try await partitionCount(watcher)
        let links = try configuration.headquarters.map {
            try HeadquartersLink($0, region: region.id)
        }
        let thread = try WorkerThread<Void>(name: "region-node", capacity: 1)
        let isStopping = StopFlag()
        let configuration = configuration
        let logger = logger
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for link in links { group.addTask { await link.run() } }
                defer { for link in links { link.stop() } }
                try await thread.perform { _ in
                    try RegionNode(
                        configuration, partitionCount: count, links: links, watcher: watcher,
                        logger: logger, isStopping: { isStopping.isSet }
                    ).run()
                }
            }
        } onGracefulShutdown: {
            isStopping.set()
        }
        await watcher.stop()
        await thread.stop()
    }

    /// Waits for the broker to say how many partitions the topic has, and holds the region file to
    /// it: more of them are a new log.
    private func partitionCount(_ watcher: LogWatcher) async throws -> Int32 {
        var hasWarned = false
        while true {
            do {
                let count = Int32(clamping: try await watcher.partitionCount())
                let declared = configuration.region.currentLog?.partitions
                guard declared == nil || declared == count, count <= ShardID.maximumPartitions
                else {
                    throw RegionError(
                        "topic \(configuration.region.topic): expected "
                            + "\(declared.map(String.init) ?? "at most 1024") partitions, "
                            + "found \(count); declare a new log in the region file")
                }
                return count
            } catch let error as KafkaError where error.isRetriable {
                if !hasWarned {
                    logger.warning("kafka does not answer", metadata: ["error": "\(error)"])
                }
                hasWarned = true
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }
}

/// Set once, from any thread.
private final class StopFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    func set() { flag.store(true, ordering: .releasing) }
}
