package import Logging
package import Money
package import Topology

/// The public interface: GET and HEAD, answered from the published snapshot alone. Nothing is
/// computed for a request, and no request reaches the store.
package struct PublicAPI: Sendable {
    /// When to come again before the first snapshot, or when all connections are taken.
    package static let retryAfterSeconds = 2

    private let bases: BaseCurrencies
    private let published: PublishedSnapshot

    /// - Parameter bases: the currencies that may be asked for, `defaultBase` among them. One that
    ///   the snapshot lacks has no rate now.
    package init(
        bases: some Sequence<Currency>, defaultBase: Currency, published: PublishedSnapshot
    ) {
        self.bases = BaseCurrencies(bases, defaultBase: defaultBase)
        self.published = published
    }

    /// A listener of this interface.
    /// - Parameters:
    ///   - whenReady: waited for once the address is bound: whoever connects meanwhile waits in the
    ///     kernel's queue.
    ///   - onListening: called once with the address that was bound, its port never 0.
    package func listener(
        _ configuration: PublicServerConfiguration, logger: Logger,
        whenReady: @escaping @Sendable () async -> Void = {},
        onListening: @escaping @Sendable (HostPort) async -> Void
    ) -> PublicServer {
        PublicServer(
            configuration: configuration,
            router: Router(bases: bases, publicOrigin: configuration.publicOrigin),
            published: published, logger: logger, whenReady: whenReady, onListening: onListening)
    }

    /// A listener with the bounds that are usual.
    package func listener(
        on address: HostPort, logger: Logger,
        onListening: @escaping @Sendable (HostPort) async -> Void
    ) -> PublicServer {
        listener(
            PublicServerConfiguration(address: address), logger: logger, onListening: onListening)
    }
}
