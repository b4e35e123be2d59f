internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

/// How slow a client may be. A client that is slower is disconnected by a timer, whether it sends
/// little or nothing: what it holds is wanted by others.
package struct RequestPace: Sendable {
    /// From a connection to the end of its first request's header.
    package var firstHead: Duration = .seconds(5)
    /// From a response to the end of the next request's header.
    package var nextHead: Duration = .seconds(30)
    /// A body that is not complete is looked at so often.
    package var bodyInterval: Duration = .seconds(5)
    /// At least so much of it must have come since: 16 KiB a second. A client that sends fast and
    /// then stops is as slow as any.
    package var bodyBytesPerInterval = 80 << 10

    package init() {}
}

/// Disconnects clients that are slower than a `RequestPace`. Sits behind the HTTP decoder.
final class RequestPaceHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let pace: RequestPace
    /// The next time to look at a header or a body that is not complete.
    private var timer: Scheduled<Void>?
    /// Of the body, since it was looked at last.
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
        // A body that is still coming keeps its timer.
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
