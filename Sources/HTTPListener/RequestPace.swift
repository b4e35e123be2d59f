internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

/// The minimum speed of clients. A timer disconnects slower ones, so that they cannot occupy
/// connections and memory by sending little or nothing.
package struct RequestPace: Sendable {
    /// Time from connecting to the end of the first request's header.
    package var firstHead: Duration = .seconds(5)
    /// Time from a response to the end of the next request's header.
    package var nextHead: Duration = .seconds(30)
    /// How often an incomplete body is checked.
    package var bodyInterval: Duration = .seconds(5)
    /// The bytes that must have arrived since the last check, here 16 KiB a second. An average over
    /// the whole body would let a client send fast and then stop for minutes.
    package var bodyBytesPerInterval = 80 << 10

    package init() {}
}

/// Disconnects clients that are slower than a `RequestPace`. Place it after the HTTP decoder.
final class RequestPaceHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let pace: RequestPace
    /// The next check of an incomplete header or body; nil while none is expected.
    private var timer: Scheduled<Void>?
    /// Body bytes since the last check.
    private var bodyBytes = 0

    init(_ pace: RequestPace) { self.pace = pace }

    func handlerAdded(context: ChannelHandlerContext) {
        expectHead(within: pace.firstHead, context)
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            stop()
            checkBody(context)
        case .body(let bytes):
            bodyBytes += bytes.readableBytes
        case .end:
            stop()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // An early answer does not end the check of a body that is still arriving.
        if case .end = unwrapOutboundIn(data), timer == nil {
            expectHead(within: pace.nextHead, context)
        }
        context.write(data, promise: promise)
    }

    private func stop() {
        timer?.cancel()
        timer = nil
    }

    private func expectHead(within duration: Duration, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: TimeAmount(duration)) {
            bound.value.1.close(promise: nil)
        }
    }

    private func checkBody(_ context: ChannelHandlerContext) {
        bodyBytes = 0
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: TimeAmount(pace.bodyInterval)) {
            let (handler, context) = bound.value
            if handler.bodyBytes < handler.pace.bodyBytesPerInterval {
                context.close(promise: nil)
            } else {
                handler.checkBody(context)
            }
        }
    }
}
