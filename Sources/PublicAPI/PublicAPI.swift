package import Addresses
package import Logging
package import Money

/// The public interface answers GET and HEAD from the published report alone. A request never
/// causes a calculation or a read of the store.
package struct PublicAPI: Sendable {
    /// When to retry before the first report, or when all connections are in use.
    package static let retryAfterSeconds = 2

    private let bases: BaseCurrencies
    private let published: ReportBoard

    /// - Parameter bases: the currencies that requests may name, including `defaultBase`. A base
    ///   that the report lacks has no rate at the moment.
    package init(
        bases: some Sequence<Currency>, defaultBase: Currency, published: ReportBoard
    ) {
        self.bases = BaseCurrencies(bases, defaultBase: defaultBase)
        self.published = published
    }

    /// A listener of this interface.
    /// - Parameters:
    ///   - whenReady: awaited after the address is bound; until then, connections wait in the
    ///     kernel's queue.
    ///   - onListening: called once with the bound address; its port is never 0.
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

    /// A listener with the default limits.
    package func listener(
        on address: HostPort, logger: Logger,
        onListening: @escaping @Sendable (HostPort) async -> Void
    ) -> PublicServer {
        listener(
            PublicServerConfiguration(address: address), logger: logger, onListening: onListening)
    }
}
