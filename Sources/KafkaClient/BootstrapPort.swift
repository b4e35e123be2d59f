import Glibc
import Platform

/// Forwards a chosen port to a broker whose own port cannot be chosen: librdkafka's mock brokers
/// pick free ones. Kafka clients use it only to bootstrap: the answer contains the broker's own
/// port, to which they connect next. Loopback only.
package final class BootstrapPort: Sendable {
    /// The port to listen on.
    package let port: UInt16
    private let worker: WorkerThread<RelayLoop>

    /// Starts to listen at once.
    ///
    /// - Parameters:
    ///   - port: 1 to 65535, on 127.0.0.1.
    ///   - target: the broker's port on 127.0.0.1.
    /// - Throws: ``SocketError`` if the port is taken.
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
        "cannot listen on 127.0.0.1:\(port): \(String(cString: strerror(errorNumber)))"
    }
}
