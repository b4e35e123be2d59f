import ArgumentParser
import Glibc
import KafkaClient
import Logging
import ServiceLifecycle
import UnixSignals

/// `tributary broker`: librdkafka's mock cluster as a Kafka endpoint, for demos and tests.
struct BrokerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker",
        abstract: "Run an in-memory Kafka broker for demos and tests.",
        discussion: """
            Runs librdkafka's mock cluster on 127.0.0.1, for any Kafka client on this machine. It \
            keeps at most 5 MiB (compressed) or 100,000 batches of each partition in memory and \
            drops the oldest beyond that. It cannot look up records by time.

            When it is ready, it prints one line, `bootstrap 127.0.0.1:PORT`.

            EXAMPLE:
              tributary broker --port 9092 --topic transaction.settled:12
              kcat -b 127.0.0.1:9092 -t transaction.settled -C -e
            """)

    @Option(help: "Port to listen on; 0 picks a free one.")
    var port: UInt16 = 9092

    @Option(
        name: .customLong("topic"),
        help: ArgumentHelp(
            "A topic and its number of partitions; may be repeated.",
            valueName: "name:partitions"))
    var topics: [BrokerTopic] = []

    func validate() throws {
        let names = topics.map(\.name)
        guard Set(names).count == names.count else {
            throw ValidationError("Each --topic must have a different name.")
        }
    }

    func run() async throws {
        var logger = Logger(label: "broker")
        logger.logLevel = .notice
        var group = ServiceGroupConfiguration(
            services: [BrokerService(port: port, topics: topics, logger: logger)],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(5)
        group.maximumCancellationDuration = .seconds(5)
        try await ServiceGroup(configuration: group).run()
    }
}

/// A topic given on the command line.
struct BrokerTopic: ExpressibleByArgument {
    /// Kafka's limit for a topic name.
    private static let nameBytesMax = 249
    /// Bounds the memory a mistyped number can take: 1,024 × 5 MiB.
    private static let partitionsMax = 1024

    let name: String
    let partitions: Int

    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":") else { return nil }
        let name = String(argument[..<colon])
        guard let partitions = Int(argument[argument.index(after: colon)...]),
            (1...Self.partitionsMax).contains(partitions),
            (1...Self.nameBytesMax).contains(name.utf8.count),
            name.utf8.allSatisfy(Self.isNameByte), name != ".", name != ".."
        else { return nil }
        self.name = name
        self.partitions = partitions
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

/// Serves from start to graceful shutdown.
private struct BrokerService: Service {
    let port: UInt16
    let topics: [BrokerTopic]
    let logger: Logger

    func run() async throws {
        let cluster = try MockCluster(logger: logger)
        for topic in topics {
            try cluster.createTopic(topic.name, partitions: topic.partitions)
        }
        let entrance = port == 0 ? nil : try BootstrapPort(port: port, target: cluster.port)
        print("bootstrap 127.0.0.1:\(entrance?.port ?? cluster.port)")
        fflush(nil)
        try? await gracefulShutdown()
        await entrance?.close()
        cluster.closeWithProcess()
    }
}
