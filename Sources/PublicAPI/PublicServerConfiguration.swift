package import Addresses

/// The address and limits of the public interface.
package struct PublicServerConfiguration: Sendable {
    /// Port 0 takes a free port.
    package var address: HostPort
    /// Threads, each with its own connections; nil takes one for each core.
    package var threads: Int?
    /// Connections at a time, including viewers of the stream; further ones get status 503. The
    /// limit of open files may reduce it.
    package var connectionsMax = 100_000
    /// Connections that the kernel queues until they are accepted.
    package var backlog = 4_096
    /// The time after which an idle connection is closed.
    package var idleTimeout: Duration = .seconds(30)
    /// The time limit for a whole request, from its first byte.
    package var requestTimeout: Duration = .seconds(10)
    /// A viewer that got nothing for this long gets a comment.
    package var heartbeat: Duration = .seconds(15)
    /// A peer that reads none of its waiting output for this long is closed.
    package var stuckAfter: Duration = .seconds(30)
    /// When disconnected viewers reconnect, in milliseconds. Each gets a random time in this range,
    /// so that they do not all return at once.
    package var retryMilliseconds = 2_000...6_000
    /// The kernel's buffer for a viewer, before the kernel doubles it: holds a few events.
    package var viewerSendBufferBytes = 4 << 10
    /// The time between two checks of timeouts, and so their precision.
    package var sweepInterval: Duration = .seconds(1)
    /// How long a graceful shutdown waits for peers to close their connections.
    package var drainDuration: Duration = .seconds(2)
    /// Scheme and authority under which the public reaches this site, such as
    /// `https://pay.example`; nil if unknown.
    package var publicOrigin: String?

    package init(address: HostPort) { self.address = address }
}
