internal import Addresses
internal import Glibc
internal import HTTPListener
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle

/// The listener of the public interface: HTTP/1.1 directly on the event loops. For a request, it
/// parses the bytes and writes prepared ones, without a task, an actor or a lock.
package struct PublicServer: Service {
    private let configuration: PublicServerConfiguration
    private let router: Router
    private let published: ReportBoard
    private let logger: Logger
    private let whenReady: @Sendable () async -> Void
    private let onListening: @Sendable (HostPort) async -> Void

    init(
        configuration: PublicServerConfiguration, router: Router, published: ReportBoard,
        logger: Logger, whenReady: @escaping @Sendable () async -> Void,
        onListening: @escaping @Sendable (HostPort) async -> Void
    ) {
        self.configuration = configuration
        self.router = router
        self.published = published
        self.logger = logger
        self.whenReady = whenReady
        self.onListening = onListening
    }

    /// Listens until a graceful shutdown or a cancellation, and finishes answers in progress.
    /// - Throws: `ListenerError` if the address cannot be bound.
    package func run() async throws {
        let group = MultiThreadedEventLoopGroup(
            numberOfThreads: max(1, configuration.threads ?? System.coreCount))
        do {
            try await serve(on: group)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try? await group.shutdownGracefully()
    }

    private func serve(on group: MultiThreadedEventLoopGroup) async throws {
        let loops = try await makeLoops(group)
        let listener = try await bind(group, loops)
        let follower = published.follow {
            for (eventLoop, loop) in loops.all {
                eventLoop.execute { loop.value.notifyViewers() }
            }
        }
        await whenReady()
        try await listener.setOption(.autoRead, value: true).get()
        let port = listener.localAddress?.port ?? configuration.address.port
        await onListening(HostPort(host: configuration.address.host, port: port))
        // Returns at shutdown or on cancellation.
        try? await gracefulShutdown()
        published.unfollow(follower)
        try? await listener.close()
        for (eventLoop, loop) in loops.all {
            try? await eventLoop.flatSubmit { loop.value.stop() }.get()
        }
    }

    private func makeLoops(_ group: MultiThreadedEventLoopGroup) async throws -> LoopTable {
        let openFilesMax = OpenFiles.raiseLimit()
        let counter = ConnectionCounter(
            max: configuration.connectionsMax, openFilesMax: openFilesMax)
        log(connectionsMax: counter.max, openFilesMax)
        var loops: [(any EventLoop, NIOLoopBound<ConnectionLoop>)] = []
        for eventLoop in group.makeIterator() {
            let (configuration, router, published) = (configuration, router, published)
            let loop = try await eventLoop.submit {
                NIOLoopBound(
                    ConnectionLoop(
                        eventLoop: eventLoop, router: router, configuration: configuration,
                        published: published, counter: counter),
                    eventLoop: eventLoop)
            }.get()
            loops.append((eventLoop, loop))
        }
        return LoopTable(loops)
    }

    private func log(connectionsMax: Int, _ openFilesMax: Int?) {
        let bounds: Logger.Metadata = [
            "connections_max": "\(connectionsMax)",
            "open_files_max": openFilesMax.map { "\($0)" } ?? "unknown",
        ]
        logger.notice(
            connectionsMax < configuration.connectionsMax
                ? "the limit of open files reduces the limit of connections"
                : "connections are limited as configured",
            metadata: bounds)
    }

    private func bind(
        _ group: MultiThreadedEventLoopGroup, _ loops: LoopTable
    ) async throws -> any Channel {
        let address = configuration.address
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Int32(clamping: configuration.backlog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // Accept no connections until the first report is published.
            .serverChannelOption(.autoRead, value: false)
            .serverChannelInitializer { [logger] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptGuard(logger: logger))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.readBytes)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let connection = loops[channel.eventLoop]?.accept() else {
                        throw NoRoom()
                    }
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
        do {
            return try await bootstrap.bind(host: address.host, port: address.port).get()
        } catch let error as IOError {
            throw ListenerError(
                address: address, reason: String(cString: strerror(error.errnoCode)))
        } catch let error as SocketAddressError {
            throw ListenerError(address: address, reason: "\(error)")
        }
    }

    /// Bytes per read. Each connection, viewers included, keeps a buffer of this size, which fits
    /// nearly all requests.
    private static let readBytes = 1_024
}

/// A connection was refused without an answer.
private struct NoRoom: Error {}

/// The connections of each event loop, by loop.
private struct LoopTable: Sendable {
    let all: [(any EventLoop, NIOLoopBound<ConnectionLoop>)]
    private let byLoop: [ObjectIdentifier: NIOLoopBound<ConnectionLoop>]

    init(_ loops: [(any EventLoop, NIOLoopBound<ConnectionLoop>)]) {
        all = loops
        byLoop = Dictionary(
            loops.map { (ObjectIdentifier($0.0), $0.1) }, uniquingKeysWith: { $1 })
    }

    /// Call it on `eventLoop` itself.
    subscript(eventLoop: any EventLoop) -> ConnectionLoop? {
        byLoop[ObjectIdentifier(eventLoop)]?.value
    }
}
