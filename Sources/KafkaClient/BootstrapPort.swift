import Glibc
import WorkerThread

/// A chosen port in front of a broker whose own port cannot be chosen, as librdkafka's mock
/// brokers pick free ones. Kafka clients need it only for their first question: the answer
/// names the broker's own port, to which they connect next. Loopback only.
package final class BootstrapPort: Sendable {
    /// The port listened on.
    package let port: UInt16
    private let worker: WorkerThread<RelayLoop>

    /// Listens at once.
    ///
    /// - Parameters:
    ///   - port: 1 to 65535, on 127.0.0.1.
    ///   - target: the broker's port on 127.0.0.1.
    /// - Throws: ``SocketError`` when the port is taken.
    package init(port: UInt16, target: UInt16) throws {
        let listener = try Socket.listening(port: port)
        self.port = port
        worker = try WorkerThread(name: "bootstrap-port") {
            RelayLoop(listener: listener, target: target)
        } whenIdle: {
            $0.step()
        }
    }

    /// Closes the port and every connection through it.
    package func close() async { await worker.stop() }
}

/// A socket call that failed.
package struct SocketError: Error, CustomStringConvertible {
    package let port: UInt16
    /// The system's error number.
    package let errorNumber: Int32

    package var description: String {
        "127.0.0.1:\(port) cannot be listened on: \(String(cString: strerror(errorNumber)))"
    }
}
