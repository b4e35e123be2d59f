import Glibc
import Platform
import Synchronization

/// An HTTP server on a free loopback port that answers each request as the script says, including
/// wrong answers. It serves one connection at a time until `stop`.
package final class ScriptedPeer: Sendable {
    package enum Behavior: Sendable {
        /// Sends the bytes and awaits the next request on the same connection.
        case reply([UInt8])
        /// Sends the bytes and closes the connection.
        case replyAndClose([UInt8])
        /// Sends the bytes and resets the connection.
        case replyAndReset([UInt8])
        /// Sends the first bytes, then one more every 20 ms, until the client disconnects.
        case drip([UInt8])
        /// Sends the bytes repeatedly until the client disconnects.
        case flood([UInt8])
        /// Sends nothing until the client disconnects.
        case hang
    }

    package struct Request: Sendable {
        package var head: String
        package var body: [UInt8]
    }

    private struct Record {
        var connections = 0
        var requests: [Request] = []
    }

    package let port: UInt16
    private let listener: Int32
    private let script: @Sendable (Int, Request) -> Behavior
    private let record = Mutex(Record())
    private let thread: WorkerThread<Void>

    /// - Parameter script: the answer to a request, by its number from 0.
    package init(_ script: @escaping @Sendable (Int, Request) -> Behavior) throws {
        self.script = script
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let failed = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) != 0 || listen(descriptor, 16) != 0
                    || getsockname(descriptor, $0, &length) != 0
            }
        }
        precondition(!failed, "no loopback port: \(errno)")
        port = UInt16(bigEndian: address.sin_port)
        thread = try WorkerThread(name: "scripted-peer")
        try thread.submit { [self] _ in serve() }
    }

    /// Gives the same answer to every request.
    package convenience init(_ behavior: Behavior) throws { try self.init { _, _ in behavior } }

    package var url: String { "http://127.0.0.1:\(port)" }
    package var connections: Int { record.withLock { $0.connections } }
    package var requests: [Request] { record.withLock { $0.requests } }

    package func stop() async {
        shutdown(listener, Int32(SHUT_RDWR))
        await thread.stop()
        close(listener)
    }

    private func serve() {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { return }
            record.withLock { $0.connections += 1 }
            // A limit for a client that never disconnects, so that the test fails instead of
            // hanging.
            var patience = timeval(tv_sec: 120, tv_usec: 0)
            setsockopt(
                connection, SOL_SOCKET, SO_RCVTIMEO, &patience,
                socklen_t(MemoryLayout<timeval>.size))
            while let request = receive(connection) {
                let number = record.withLock {
                    $0.requests.append(request)
                    return $0.requests.count - 1
                }
                guard perform(script(number, request), on: connection) else { break }
            }
            close(connection)
        }
    }

    /// Whether the connection stays open.
    private func perform(_ behavior: Behavior, on connection: Int32) -> Bool {
        switch behavior {
        case .reply(let bytes): return transmit(bytes, connection)
        case .replyAndClose(let bytes):
            _ = transmit(bytes, connection)
        case .replyAndReset(let bytes):
            _ = transmit(bytes, connection)
            var option = linger(l_onoff: 1, l_linger: 0)
            setsockopt(
                connection, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        case .drip(let bytes):
            guard transmit(bytes, connection) else { return false }
            while transmit([0], connection) { usleep(20_000) }
        case .flood(let bytes):
            while transmit(bytes, connection) {}
        case .hang:
            var byte: UInt8 = 0
            while recv(connection, &byte, 1, 0) > 0 {}
        }
        return false
    }

    private func transmit(_ bytes: [UInt8], _ connection: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(
                    connection, $0.baseAddress! + sent, bytes.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// The next complete request; nil if the client disconnected.
    private func receive(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let end = Array("\r\n\r\n".utf8)
            if let at = bytes.firstRange(of: end) {
                let head = String(decoding: bytes[..<at.lowerBound], as: UTF8.self)
                let length =
                    head.split(separator: "\r\n").lazy
                    .filter { $0.lowercased().hasPrefix("content-length:") }
                    .compactMap { Int($0.dropFirst(15).trimmingPrefix(while: { $0 == " " })) }
                    .first ?? 0
                if bytes.count - at.upperBound >= length {
                    return Request(head: head, body: Array(bytes[at.upperBound...].prefix(length)))
                }
            }
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            bytes += chunk[..<count]
        }
    }
}

/// An HTTP/1.1 answer. `length` is the value of Content-Length; nil omits the header.
package func answer(
    _ status: Int, type: String = "application/x-protobuf", headers: [String] = [],
    body: [UInt8] = [], length: Int?? = .none
) -> [UInt8] {
    var lines = ["HTTP/1.1 \(status) Reason", "Content-Type: \(type)"] + headers
    if let length = length ?? .some(body.count) { lines.append("Content-Length: \(length)") }
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
}
