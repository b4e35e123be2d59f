import Aggregation
import ArgumentParser
import DeltaClient
import DeltaProtocol
import Foundation
import Identifiers
import KafkaClient
import Logging
import Recording
import RegionService
import ServiceLifecycle
import Topology
import TopologyFile
import UnixSignals

/// `tributary region`: one node of a region's aggregator.
struct RegionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "region",
        abstract: "Aggregate one region: read its topic and push its minutes to HQ.",
        discussion: """
            You can run several nodes of a region, usefully up to one for each partition. They \
            share the partitions, and starting or killing a node never loses or doubles money. A \
            node keeps nothing on disk; it rebuilds its state from the topic, which must retain 51 \
            hours.

            If the topology or a Kafka property is invalid, it prints the problems to standard \
            error and exits with status 78.

            EXAMPLE:
              tributary region --region eu-west
              tributary region --topology /etc/tributary/topology.yaml --region eu-west --node b
            """)

    @OptionGroup var topologyOption: TopologyOption

    @Option(help: ArgumentHelp("The region's id, as its file gives it.", valueName: "id"))
    var region: String

    @Option(
        help: """
            Name of this node in logs and status, 1 to \(Limits.nodeNameBytes) bytes; host name \
            and process id by default.
            """)
    var node: String?

    @Option(
        help: ArgumentHelp(
            "Write every event and action of the node to this new file.",
            discussion: """
                `tributary simulate --replay FILE` repeats the events and compares the actions. \
                The file contains the region's transfers and grows with them; only its owner can \
                read it.
                """, valueName: "file"))
    var record: String?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning or error.", valueName: "level"))
    var logLevel = "info"

    func validate() throws {
        if let node, !(1...Limits.nodeNameBytes).contains(node.utf8.count) {
            throw ValidationError("--node must have 1 to \(Limits.nodeNameBytes) bytes.")
        }
    }

    func run() async throws {
        let topology = try topologyOption.load()
        guard let id = RegionID(region), let region = topology.region(id) else {
            let known = topology.regions.map(\.id.name).joined(separator: ", ")
            throw ValidationError("The topology has no region '\(region)'. Its regions: \(known).")
        }
        let logger = try LogLevel.logger("region", logLevel)
        var configuration = RegionConfiguration(
            region: region, node: node ?? defaultNode, idKey: try topologyOption.idKey(topology),
            headquarters: topology.headquarters.map { DeltaClientConfiguration(url: "\($0)") })
        configuration.recordFile = record
        var group = ServiceGroupConfiguration(
            services: [RegionService(configuration, logger: logger)],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(10)
        group.maximumCancellationDuration = .seconds(5)
        do {
            try await ServiceGroup(configuration: group).run()
        } catch let error as RecordingError {
            throw ValidationError("--record \(error)")
        } catch let error as KafkaError where error.code == .invalidConfiguration {
            let text = "region \(id): \(error.message)\n"
            FileHandle.standardError.write(Data(text.utf8))
            throw TopologyOption.invalidSettings
        }
    }

    /// A host name has up to 253 bytes. Cuts its end, the least specific part.
    private var defaultNode: String {
        let suffix = "-\(ProcessInfo.processInfo.processIdentifier)"
        let host = ProcessInfo.processInfo.hostName.utf8
        let kept = host.prefix(Limits.nodeNameBytes - suffix.utf8.count)
        return String(decoding: kept, as: UTF8.self) + suffix
    }
}
