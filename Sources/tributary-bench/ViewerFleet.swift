import Addresses
import CivilTime
import Glibc
import NIOCore
import NIOPosix
import Platform

/// Connections to servers' live streams, all on one event loop.
final class ViewerFleet: Sendable {
    /// The fleet's state; used only on the event loop.
    final class State {
        var statistics = ViewerStatistics()
        var open = 0
        var failed = 0
        /// Connections that the server ended.
        var lost = 0
    }

    /// Connection attempts at a time.
    private static let connectingMax = 256
    /// A silent viewer's receive buffer, small so that the server soon notices the silence.
    private static let silentReceiveBytes: SocketOptionValue = 1_024

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let loop: any EventLoop
    private let state: NIOLoopBound<State>
    private let targets: [HostPort]
    private let source: String
    private let count: Int
    private let silent: Int

    init(targets: [HostPort], source: String, count: Int, silent: Int) async throws {
        self.targets = targets
        self.source = source
        self.count = count
        self.silent = silent
        let loop = group.next()
        self.loop = loop
        state = try await loop.submit { NIOLoopBound(State(), eventLoop: loop) }.get()
    }

    /// Reads the state on its event loop.
    func read<Value: Sendable>(_ body: @escaping @Sendable (State) -> Value) async throws -> Value {
        try await loop.submit { [state] in body(state.value) }.get()
    }

    /// Connects all viewers and counts failures.
    func connect() async throws {
        try await withThrowingTaskGroup(of: Void.self) { connecting in
            for place in 0..<count {
                if place >= Self.connectingMax { try await connecting.next() }
                connecting.addTask { try await self.connect(place) }
            }
            try await connecting.waitForAll()
        }
    }

    private func connect(_ place: Int) async throws {
        // Distributes the silent viewers evenly among the others.
        let isSilent = (place + 1) * silent / count > place * silent / count
        let number = place % targets.count
        let target = targets[number]
        let state = state
        let bootstrap = try ClientBootstrap(group: loop)
            .connectTimeout(.seconds(30))
            .channelOption(.maxMessagesPerRead, value: 1)
            // The kernel selects the port when the target is known, so that several targets share
            // it.
            .channelOption(
                ChannelOptions.Types.SocketOption(
                    level: SocketOptionLevel(IPPROTO_IP),
                    name: SocketOptionName(IP_BIND_ADDRESS_NO_PORT)), value: 1
            )
            .channelOption(.autoRead, value: !isSilent)
            .bind(to: SocketAddress(ipAddress: source, port: 0))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if isSilent {
                        try channel.syncOptions?.setOption(
                            .socketOption(.so_rcvbuf), value: Self.silentReceiveBytes)
                    }
                    try channel.pipeline.syncOperations.addHandler(
                        ViewerHandler(target: number, authority: "\(target)", state: state.value))
                }
            }
        do {
            _ = try await bootstrap.connect(host: target.host, port: target.port).get()
        } catch {
            try await loop.submit { state.value.failed += 1 }.get()
        }
    }

    /// Ends all connections.
    func stop() async { try? await group.shutdownGracefully() }
}

/// One viewer: requests the stream and records the times of its events.
private final class ViewerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let target: Int
    private let authority: String
    private let state: ViewerFleet.State
    /// The beginning of an incomplete line.
    private var rest: ByteBuffer?

    init(target: Int, authority: String, state: ViewerFleet.State) {
        self.target = target
        self.authority = authority
        self.state = state
    }

    func channelActive(context: ChannelHandlerContext) {
        state.open += 1
        let request = """
            GET /v1/metrics/money-moved/stream HTTP/1.1\r
            Host: \(authority)\r
            Accept: text/event-stream\r
            \r

            """
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(string: request)), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        state.open -= 1
        state.lost += 1
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        if var earlier = rest {
            earlier.writeBuffer(&bytes)
            bytes = earlier
        }
        let view = bytes.readableBytesView
        var start = view.startIndex
        while let end = view[start...].firstIndex(of: UInt8(ascii: "\n")) {
            if let time = Self.publication(view[start..<end]) {
                state.statistics.note(
                    target: target, publishedAt: time,
                    arrivedAt: SystemClock.now().milliseconds)
            }
            start = end + 1
        }
        rest = start < view.endIndex ? ByteBuffer(bytes: view[start...]) : nil
    }

    /// The time at the end of `id: name.milliseconds`; nil for any other line.
    private static func publication(_ line: ByteBufferView) -> Int64? {
        guard line.starts(with: "id: ".utf8),
            let point = line.lastIndex(of: UInt8(ascii: "."))
        else { return nil }
        return Int64(String(decoding: line[(point + 1)...], as: UTF8.self))
    }
}
