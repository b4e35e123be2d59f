/// How a node reaches one HQ.
package struct DeltaClientConfiguration: Sendable {
    /// HQ's ingest listener: scheme, host and port, as in `https://hq.example:8443`.
    package var url: String
    /// True if plain HTTP may leave the machine. Loopback always allows it.
    package var allowsPlainHTTP = false
    /// A PEM file of the certificate authorities to trust; nil means the system's.
    package var certificateAuthorities: String?
    /// For establishing a connection, TLS included.
    package var connectTimeout: Duration = .seconds(3)
    /// For a whole exchange: 4 MiB over a link of 1 Mbit/s take 34 s.
    package var totalTimeout: Duration = .seconds(60)
    /// Abort an exchange slower than this many bytes a second over `slowTime`. Waiting for the
    /// answer counts as slow.
    package var slowBytesPerSecond = 1_024
    /// In whole seconds, at least 1.
    package var slowTime: Duration = .seconds(10)

    package init(url: String) { self.url = url }
}

/// A configuration from which no client can be created. Safe to print.
package struct DeltaClientError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String

    init(_ description: String) { self.description = description }
}
