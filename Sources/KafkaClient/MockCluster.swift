internal import CRdKafka
package import Logging
import Platform
import Synchronization

/// librdkafka's mock Kafka cluster inside this process, on loopback: for the `broker` command, the
/// demo and tests. It speaks the real protocol to any client on this machine.
///
/// Its limits (2.0.2): 5 MiB or 100,000 batches per partition, beyond which it drops the oldest; no
/// look-up by time; no admin requests; any request for an unknown topic creates it with 4
/// partitions. May be used from any thread, except that ``close()`` must be the last call.
package final class MockCluster: @unchecked Sendable {
    /// Selects all brokers of the cluster instead of one.
    package static let everyBroker: Int32 = -1

    private let handle: Handle
    private let cluster: OpaquePointer
    private var isClosed = false
    /// Ports held while brokers are down; librdkafka aborts the process if it cannot rebind one.
    private let keptPorts = Mutex<[Socket]>([])

    /// Starts the brokers, numbered from 1, on free ports.
    package init(brokers: Int = 1, logger: Logger) throws(KafkaError) {
        // The library only needs the handle as the owner of the threads and the log.
        let configuration = try HandleConfiguration(
            properties: ["client.id": "tributary-broker", "log_level": "4"]
        ).build()
        let handle = try Handle(RD_KAFKA_PRODUCER, configuration, HandleContext(logger: logger))
        guard let cluster = rd_kafka_mock_cluster_new(handle.raw, Int32(clamping: brokers)) else {
            throw KafkaError(
                code: KafkaErrorCode(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE),
                message: "cannot start a mock cluster of \(brokers) brokers")
        }
        self.handle = handle
        self.cluster = cluster
    }

    deinit { close() }

    /// The value for a client's `bootstrap.servers`.
    package var bootstrapServers: String {
        String(cString: rd_kafka_mock_cluster_bootstraps(cluster))
    }

    /// The first broker's port on 127.0.0.1.
    package var port: UInt16 {
        guard let port = ports.first else {
            preconditionFailure("librdkafka's mock cluster has no port: \(bootstrapServers)")
        }
        return port
    }

    /// The port of every broker, in the order of their numbers.
    private var ports: [UInt16] {
        bootstrapServers.split(separator: ",").compactMap { server in
            server.split(separator: ":").last.flatMap { UInt16($0) }
        }
    }

    /// - Parameter partitions: 1 to about 10,000; each holds 5 MiB at most.
    package func createTopic(_ name: String, partitions: Int) throws(KafkaError) {
        try KafkaError.check(
            rd_kafka_mock_topic_create(cluster, name, Int32(clamping: partitions), 1))
    }

    /// Stops the brokers and closes every client's connection. Usually blocks for milliseconds;
    /// librdkafka 2.0.2 can take a second.
    package func close() {
        if isClosed { return }
        isClosed = true
        // The library notices the end only after its wait for traffic, which lasts up to a second.
        // A connection counts as traffic and ends the wait.
        let port = port
        let traffic = try? WorkerThread(name: "mock-traffic") {
        } whenIdle: { _ in
            _ = Socket.connecting(port: port)
            pauseThread(milliseconds: 2)
        }
        rd_kafka_mock_cluster_destroy(cluster)
        traffic?.stopAndJoin()
        handle.destroy()
    }
}

extension MockCluster {
    /// Lets the exit of the process close everything: the process ends now.
    package func closeWithProcess() {
        _ = Unmanaged.passRetained(self)
    }
}

// MARK: - Faults

extension MockCluster {
    /// A Kafka protocol request that can be made to fail.
    package enum Request: Int16, Sendable {
        case produce = 0
        case fetch = 1
        case listOffsets = 2
        case metadata = 3
        case offsetCommit = 8
        case offsetFetch = 9
        case findCoordinator = 10
        case joinGroup = 11
        case heartbeat = 12
        case leaveGroup = 13
        case syncGroup = 14
        case initProducerID = 22
    }

    /// Makes the next requests of this kind fail, one with each of these codes.
    /// ``KafkaErrorCode/transport`` closes the client's connection instead of answering.
    package func pushErrors(_ codes: [KafkaErrorCode], to request: Request) {
        let errors = codes.map { rd_kafka_resp_err_t($0.rawValue) }
        rd_kafka_mock_push_request_errors_array(cluster, request.rawValue, errors.count, errors)
    }

    /// Removes the errors that no request has received yet.
    package func clearErrors(of request: Request) {
        rd_kafka_mock_clear_request_errors(cluster, request.rawValue)
    }

    /// Answers every request for this topic with this code, until it is set to
    /// ``KafkaErrorCode/noError``.
    package func setError(_ code: KafkaErrorCode, topic: String) {
        rd_kafka_mock_topic_set_error(cluster, topic, rd_kafka_resp_err_t(code.rawValue))
    }

    /// Closes a broker's connections and refuses new ones. Leaders do not move.
    package func takeDown(broker: Int32 = MockCluster.everyBroker) throws(KafkaError) {
        try KafkaError.check(rd_kafka_mock_broker_set_down(cluster, broker))
        let ports = broker == Self.everyBroker ? ports[...] : ports[Int(broker - 1)..<Int(broker)]
        keptPorts.withLock { kept in kept += ports.compactMap { try? Socket.bound(port: $0) } }
    }

    package func bringUp(broker: Int32 = MockCluster.everyBroker) throws(KafkaError) {
        try KafkaError.check(rd_kafka_mock_broker_set_up(cluster, broker))
        keptPorts.withLock { $0 = [] }
    }

    /// Delays every answer of a broker.
    package func setRoundTrip(
        milliseconds: Int32, broker: Int32 = MockCluster.everyBroker
    ) throws(KafkaError) {
        try KafkaError.check(rd_kafka_mock_broker_set_rtt(cluster, broker, milliseconds))
    }

    /// Moves a partition to another broker; -1 leaves it without a leader.
    package func setLeader(
        _ broker: Int32, topic: String, partition: Int32
    ) throws(KafkaError) {
        try KafkaError.check(
            rd_kafka_mock_partition_set_leader(cluster, topic, partition, broker))
    }
}
