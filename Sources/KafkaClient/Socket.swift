import Glibc

/// A non-blocking TCP socket on 127.0.0.1; closed with its last reference.
final class Socket: Sendable {
    /// The result of one read or write.
    enum Transfer {
        case bytes(Int)
        case wouldBlock
        /// The peer is gone.
        case ended
    }

    private static let backlog: Int32 = 64

    private let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    private static func open() -> Socket? {
        let kind = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let descriptor = socket(AF_INET, Int32(kind), 0)
        return descriptor < 0 ? nil : Socket(descriptor: descriptor)
    }

    static func listening(port: UInt16) throws(SocketError) -> Socket {
        let socket = try bound(port: port)
        guard listen(socket.descriptor, backlog) == 0 else {
            throw SocketError(port: port, errorNumber: errno)
        }
        return socket
    }

    /// Binds without listening, so that the kernel does not assign the port to others; SO_REUSEADDR
    /// lets us rebind it.
    static func bound(port: UInt16) throws(SocketError) -> Socket {
        guard let socket = open() else { throw SocketError(port: port, errorNumber: errno) }
        var yes: Int32 = 1
        setsockopt(
            socket.descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard withAddress(port, { bind(socket.descriptor, $0, $1) }) == 0 else {
            throw SocketError(port: port, errorNumber: errno)
        }
        return socket
    }

    /// A socket connecting to that port; nil on failure.
    static func connecting(port: UInt16) -> Socket? {
        guard let socket = open() else { return nil }
        let result = withAddress(port) { connect(socket.descriptor, $0, $1) }
        return result == 0 || errno == EINPROGRESS ? socket : nil
    }

    func accepted() -> Socket? {
        let peer = accept(descriptor, nil, nil)
        guard peer >= 0 else { return nil }
        // `accept4` would do this in one step, but the module lacks this GNU extension.
        _ = fcntl(peer, F_SETFL, O_NONBLOCK)
        _ = fcntl(peer, F_SETFD, FD_CLOEXEC)
        return Socket(descriptor: peer)
    }

    func waiting(for events: Int32) -> pollfd {
        pollfd(fd: descriptor, events: Int16(events), revents: 0)
    }

    func read(into buffer: inout [UInt8]) -> Transfer {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count > 0 { return .bytes(count) }
        return count < 0 && Self.isPassing(errno) ? .wouldBlock : .ended
    }

    func write(_ bytes: ArraySlice<UInt8>) -> Transfer {
        let count = bytes.withUnsafeBytes {
            send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if count >= 0 { return .bytes(count) }
        return Self.isPassing(errno) ? .wouldBlock : .ended
    }

    private static func isPassing(_ errorNumber: Int32) -> Bool {
        errorNumber == EAGAIN || errorNumber == EINTR
    }

    private static func withAddress(
        _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
