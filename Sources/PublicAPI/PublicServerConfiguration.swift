package import Topology

/// Where the public interface listens, and its bounds.
package struct PublicServerConfiguration: Sendable {
    /// Port 0 takes a free one.
    package var address: HostPort
    /// Threads that answer, each with connections of its own; nil takes one for each core.
    package var threads: Int?
    /// Connections at a time, viewers of the stream among them; further ones are answered 503. At
    /// most what the limit of open files leaves.
    package var connectionsMax = 100_000
    /// Connections that the kernel keeps until they are accepted.
    package var backlog = 4_096
    /// A connection on which nothing has come for so long is closed.
    package var idleTimeout: Duration = .seconds(30)
    /// For a whole request, from its first byte.
    package var requestTimeout: Duration = .seconds(10)
    /// A viewer that has been sent nothing for so long is sent a comment.
    package var heartbeat: Duration = .seconds(15)
    /// A peer that has taken nothing of what waits for it for so long is closed.
    package var stuckAfter: Duration = .seconds(30)
    /// When viewers that lost their connection come back, in milliseconds: a time in the range is
    /// picked for each, so that they do not all come at once.
    package var retryMilliseconds = 2_000...6_000
    /// What the kernel keeps of a viewer's events, before its own doubling: a few of them.
    package var viewerSendBufferBytes = 4 << 10
    /// How often timeouts are looked at: they are kept with this precision.
    package var sweepInterval: Duration = .seconds(1)
    /// How long a graceful shutdown waits for peers to hang up.
    package var drainDuration: Duration = .seconds(2)
    /// Scheme and authority under which the public reaches this site, such as
    /// `https://pay.example`; nil where it is not known.
    package var publicOrigin: String?

    package init(address: HostPort) { self.address = address }
}
