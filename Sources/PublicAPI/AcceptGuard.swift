internal import Logging
internal import NIOCore

/// Keeps a listener alive when the machine cannot accept another connection. Pauses briefly instead
/// of retrying at once, and continues after a connection has closed.
final class AcceptGuard: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    private static let rest: TimeAmount = .milliseconds(200)
    /// The least time between two log lines.
    private static let quiet: TimeAmount = .seconds(10)

    private let logger: Logger
    private var isResting = false
    private var nextLine: NIODeadline = .distantPast

    init(logger: Logger) { self.logger = logger }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Any other error concerns one connection, which it has ended.
        guard let error = error as? IOError, !isResting else { return }
        isResting = true
        log(error)
        try? context.channel.syncOptions?.setOption(.autoRead, value: false)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.rest) {
            let (handler, context) = bound.value
            handler.isResting = false
            try? context.channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }

    private func log(_ error: IOError) {
        let now = NIODeadline.now()
        guard now >= nextLine else { return }
        nextLine = now + Self.quiet
        logger.warning("cannot accept connections", metadata: ["errno": "\(error.errnoCode)"])
    }
}
