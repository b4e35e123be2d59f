import Glibc

/// Forwards bytes between clients and one port, on one thread with `poll`. Connections and buffered
/// bytes are bounded; a side that does not read stops its peer.
struct RelayLoop: ~Copyable {
    /// Maximum concurrent connections; further ones wait in the system's queue.
    private static let connectionsMax = 128
    /// How long a step waits if nothing happens, and so how long closing can take.
    private static let waitMs: Int32 = 50

    private let listener: Socket
    private let target: UInt16
    private var relays: [Relay] = []

    /// - Parameter target: the port on 127.0.0.1 to relay to.
    init(listener: Socket, target: UInt16) {
        self.listener = listener
        self.target = target
    }

    /// Waits until a socket is ready, serves it, and returns.
    mutating func step() {
        let accepts = relays.count < Self.connectionsMax
        var descriptors = [listener.waiting(for: accepts ? POLLIN : 0)]
        for relay in relays { descriptors += relay.interests }
        guard poll(&descriptors, nfds_t(descriptors.count), Self.waitMs) > 0 else { return }
        for relay in relays { relay.advance() }
        relays.removeAll { $0.isOver }
        // Drop a client that the target does not accept; it retries by itself.
        if accepts, descriptors[0].revents != 0, let client = listener.accepted(),
            let server = Socket.connecting(port: target)
        {
            relays.append(Relay(client: client, server: server))
        }
    }
}

/// One client's connection and ours to the target.
private final class Relay {
    private let client: Socket
    private let server: Socket
    private var toServer = Direction()
    private var toClient = Direction()

    init(client: Socket, server: Socket) {
        self.client = client
        self.server = server
    }

    /// True if one side has ended and all of its bytes were forwarded, or if a write failed.
    var isOver: Bool { toServer.isOver || toClient.isOver }

    var interests: [pollfd] {
        [
            client.waiting(for: toServer.readInterest | toClient.writeInterest),
            server.waiting(for: toClient.readInterest | toServer.writeInterest),
        ]
    }

    func advance() {
        toServer.advance(from: client, to: server)
        toClient.advance(from: server, to: client)
    }
}

/// Bytes on their way from one socket to another.
private struct Direction {
    private static let bytesMax = 64 * 1024

    private var buffer = [UInt8](repeating: 0, count: bytesMax)
    /// `buffer[start ..< end]` has been read and not yet written.
    private var start = 0
    private var end = 0
    private var hasEnded = false
    private var isBroken = false

    var isOver: Bool { isBroken || (hasEnded && start == end) }

    var readInterest: Int32 { start == end && !hasEnded ? POLLIN : 0 }

    var writeInterest: Int32 { start < end ? POLLOUT : 0 }

    mutating func advance(from source: Socket, to destination: Socket) {
        if start == end, !hasEnded {
            switch source.read(into: &buffer) {
            case .bytes(let count): (start, end) = (0, count)
            case .wouldBlock: return
            case .ended: hasEnded = true
            }
        }
        if start < end {
            switch destination.write(buffer[start..<end]) {
            case .bytes(let count): start += count
            case .wouldBlock: return
            case .ended: isBroken = true
            }
        }
    }
}
