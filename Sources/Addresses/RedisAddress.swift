/// Where the global Redis listens.
package enum RedisAddress: Hashable, Sendable, CustomStringConvertible {
    case tcp(HostPort)
    /// The path of a Unix socket.
    case unixSocket(String)

    /// The most bytes of a socket's path in the kernel's address.
    static let maximumSocketPathBytes = 107

    /// Reads `host:port` or `unix:/path`; nil for anything else.
    package init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = text.dropFirst("unix:".count)
            guard path.first == "/", path.utf8.count <= Self.maximumSocketPathBytes,
                !path.utf8.contains(0)
            else { return nil }
            self = .unixSocket(String(path))
        } else if let address = HostPort(text) {
            self = .tcp(address)
        } else {
            return nil
        }
    }

    /// Whether the address is on this machine.
    package var isLocal: Bool {
        switch self {
        case .tcp(let address): address.isLoopback
        case .unixSocket: true
        }
    }

    /// The text that `init` reads.
    package var description: String {
        switch self {
        case .tcp(let address): address.description
        case .unixSocket(let path): "unix:\(path)"
        }
    }
}
