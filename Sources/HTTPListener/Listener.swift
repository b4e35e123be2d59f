package import Addresses
internal import Glibc
package import Hummingbird
internal import HummingbirdCore
package import Logging
internal import NIOCore
internal import ServiceLifecycle

/// One HTTP/1.1 listener with the limits that all our listeners share.
///
/// It has no router: an interface with a few paths dispatches itself, and so controls every answer,
/// including errors.
package struct Listener: Service {
    /// The address and the limits.
    package struct Configuration: Sendable {
        /// Port 0 takes a free port.
        package var address: HostPort
        /// The time after which an idle connection is closed, even within a request.
        package var idleTimeout: Duration = .seconds(30)
        /// The minimum speed of clients.
        package var pace = RequestPace()
        /// Connections at a time; further ones wait in the backlog.
        package var connectionsMax: Int
        /// Connections that the kernel queues until they are accepted.
        package var backlog = 4_096
        /// The most bytes of one header field.
        package var headerFieldBytesMax = 8 << 10
        /// The most bytes of all header fields.
        package var headerBytesMax = 16 << 10
        package var headerFieldsMax = 64

        package init(address: HostPort, connectionsMax: Int) {
            self.address = address
            self.connectionsMax = connectionsMax
        }
    }

    private let configuration: Configuration
    private let logger: Logger
    private let onListening: @Sendable (HostPort) async -> Void
    private let answer: @Sendable (Request) async -> Response

    /// - Parameters:
    ///   - onListening: called once with the bound address; its port is never 0.
    ///   - answer: answers one request; may run concurrently. It answers HEAD like GET; the
    ///     listener omits the body.
    package init(
        configuration: Configuration, logger: Logger,
        onListening: @escaping @Sendable (HostPort) async -> Void = { _ in },
        answer: @escaping @Sendable (Request) async -> Response
    ) {
        self.configuration = configuration
        self.logger = logger
        self.onListening = onListening
        self.answer = answer
    }

    /// Listens until a graceful shutdown, which waits for running requests.
    /// - Throws: `ListenerError` if the address cannot be bound.
    package func run() async throws {
        let answer = answer
        let responder = CallbackResponder<BasicRequestContext> { request, _ in
            let response = await answer(request)
            return request.method == .head ? response.createHeadResponse() : response
        }
        // The server's own messages contain the address in their text; ours have it in metadata.
        var serverLogger = logger
        serverLogger.logLevel = .error
        let address = configuration.address
        let onListening = onListening
        let application = Application(
            responder: responder,
            server: .http1(configuration: channelConfiguration),
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port),
                backlog: configuration.backlog,
                availableConnectionsDelegate: .maximum(
                    configuration.connectionsMax, logger: serverLogger)),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? address.port
                await onListening(HostPort(host: address.host, port: port))
            },
            logger: serverLogger)
        do {
            try await application.run()
        } catch let error as IOError {
            throw ListenerError(
                address: address, reason: String(cString: strerror(error.errnoCode)))
        }
    }

    private var channelConfiguration: HTTP1Channel.Configuration {
        let pace = configuration.pace
        return HTTP1Channel.Configuration(
            additionalChannelHandlers: [RequestPaceHandler(pace)],
            idleTimeout: TimeAmount(configuration.idleTimeout),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: configuration.headerFieldBytesMax,
                maxHeaderListSize: configuration.headerBytesMax,
                maxHeaderFieldCount: configuration.headerFieldsMax))
    }
}

/// Why a listener could not start.
package struct ListenerError: Error, Hashable, Sendable, CustomStringConvertible {
    package var address: HostPort
    package var reason: String

    package init(address: HostPort, reason: String) {
        self.address = address
        self.reason = reason
    }

    package var description: String { "cannot listen on \(address): \(reason)" }
}
