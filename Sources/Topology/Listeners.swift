package import Addresses

/// Where an HQ process listens. The three are apart so that the public one can face the world
/// while the others do not.
package struct Listeners: Hashable, Sendable {
    /// GET and HEAD of the public API. Default 127.0.0.1:8080.
    package var publicAPI = HostPort(host: "127.0.0.1", port: 8_080)
    /// Deltas of the regions; loopback only while requests are not signed. Default 127.0.0.1:8081.
    package var ingest = HostPort(host: "127.0.0.1", port: 8_081)
    /// Operators; loopback only while requests are not signed. Default 127.0.0.1:8082.
    package var admin = HostPort(host: "127.0.0.1", port: 8_082)

    /// The address at which the public reaches the public API, possibly through a proxy; nil if
    /// unknown. Pages then contain no absolute addresses for other sites.
    package var publicURL: ServiceURL?

    package init() {}

    /// Each listener with its key in the topology file.
    var named: [(key: String, address: HostPort)] {
        [("public", publicAPI), ("ingest", ingest), ("admin", admin)]
    }
}
