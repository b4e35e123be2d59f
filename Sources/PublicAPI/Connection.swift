internal import NIOCore

/// One connection: answers its requests in order, or carries the live stream. It is the only
/// handler of its channel and runs on the channel's event loop.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        case requests
        case viewer(Viewer)
        /// The last answer is being sent; further input is discarded.
        case closing(since: UInt32, isOutputClosed: Bool)
    }

    /// Bytes of discarded input after which the connection is closed.
    private static let discardedBytesMax = 256 << 10

    /// The index in the loop's list; only the loop uses it.
    var place = 0
    let loop: ConnectionLoop
    var phase = Phase.requests
    /// Nil after the connection has ended.
    private(set) var context: ChannelHandlerContext?
    /// Whether the peer has read all earlier output, or nearly all.
    private(set) var isWritable = true

    private let isRefused: Bool
    /// The beginning of an incomplete request, or requests that wait until the peer has read
    /// earlier answers.
    private var pending: ByteBuffer?
    /// The number of bytes in `pending` that were searched for the end of a head.
    private var searched = 0
    /// Whether the one empty line allowed before a request has been skipped.
    private var isLineSkipped = false
    private var bodyBytesLeft = 0
    private var discardedBytes = 0
    private var isPaused = false
    private var lastActive: UInt32
    /// When the incomplete request began; nil if there is none.
    private var requestBegan: UInt32?

    /// - Parameter isRefused: whether to answer only that all connections are in use.
    init(loop: ConnectionLoop, isRefused: Bool) {
        self.loop = loop
        self.isRefused = isRefused
        lastActive = loop.tick
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        loop.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        loop.remove(self)
    }

    func channelActive(context: ChannelHandlerContext) {
        if isRefused { refuse(loop.router.problems.full, context) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        lastActive = loop.tick
        guard case .requests = phase else { return discard(bytes.readableBytes, context) }
        if var earlier = pending {
            pending = nil
            earlier.writeBuffer(&bytes)
            answer(&earlier, context)
        } else {
            answer(&bytes, context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        guard isWritable else { return }
        switch phase {
        case .viewer: catchUp()
        case .requests where isPaused: resume(context)
        default: break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .outputClosed {
            phase = .closing(since: loop.tick, isOutputClosed: true)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// Closes the connection after the peer has received everything written.
    func close(_ context: ChannelHandlerContext) {
        phase = .closing(since: loop.tick, isOutputClosed: false)
        pending = nil
        context.flush()
        // The peer may still be sending: closing the connection now could keep it from reading the
        // answer. Close it when the peer does, or after a timeout.
        context.close(mode: .output, promise: nil)
    }

    /// Closes the connection at once.
    func cut() { context?.close(promise: nil) }

    /// Ends the connection because the server stops.
    func stop() {
        guard let context else { return }
        if case .closing = phase { return }
        close(context)
    }

    /// Enforces the timeouts.
    func sweep() {
        guard let context else { return }
        let (tick, timeouts) = (loop.tick, loop.timeouts)
        switch phase {
        case .requests:
            if let requestBegan, !isPaused, tick &- requestBegan >= timeouts.request {
                guard bodyBytesLeft == 0 else { return cut() }
                refuse(loop.router.problems.headTooSlow, context)
            } else if tick &- lastActive >= timeouts.idle {
                cut()
            }
        case .viewer:
            sweepViewer(context)
        case .closing(let since, let isOutputClosed):
            if tick &- since >= (isOutputClosed ? timeouts.linger : timeouts.stuck) { cut() }
        }
    }

    private func discard(_ count: Int, _ context: ChannelHandlerContext) {
        discardedBytes += count
        if discardedBytes > Self.discardedBytesMax { cut() }
    }
}

// MARK: Requests

extension Connection {
    private enum Step {
        case incomplete
        case refused(PreparedResponse)
        case answered(PreparedResponse.Answer, RequestHead, length: Int)
        case stream(BaseAnswers, RequestHead, length: Int, isUpToDate: Bool)
    }

    /// Answers all complete requests in `input` and keeps the rest.
    private func answer(_ input: inout ByteBuffer, _ context: ChannelHandlerContext) {
        while case .requests = phase, input.readableBytes > 0 {
            if bodyBytesLeft > 0 {
                let count = min(bodyBytesLeft, input.readableBytes)
                input.moveReaderIndex(forwardBy: count)
                bodyBytesLeft -= count
                if bodyBytesLeft == 0 { requestBegan = nil }
                continue
            }
            if searched == 0, !isLineSkipped, Self.beginsWithEmptyLine(input) {
                guard input.readableBytes > 1 else { break }
                input.moveReaderIndex(forwardBy: 2)
                isLineSkipped = true
                continue
            }
            guard canWrite(context) else {
                pause(context)
                break
            }
            let step = input.withUnsafeReadableBytes { read($0) }
            if case .incomplete = step { break }
            take(step, &input, context)
        }
        guard case .requests = phase else { return }
        pending = input.readableBytes > 0 ? input : nil
        if pending != nil || isLineSkipped || bodyBytesLeft > 0, requestBegan == nil {
            requestBegan = loop.tick
        }
    }

    private func read(_ bytes: UnsafeRawBufferPointer) -> Step {
        switch loop.reader.read(bytes, searched: &searched) {
        case .incomplete:
            return .incomplete
        case .refused(let refusal):
            return .refused(loop.router.problems[refusal])
        case .complete(let head, let length):
            let latest = loop.latest
            switch loop.router.answer(head, bytes, latest?.rendered) {
            case .response(let response):
                let choice = PreparedResponse.Choice(
                    isHead: head.method == .head, codings: head.codings,
                    condition: head.ifNoneMatch.map {
                        EntityTag.Condition(bytes: bytes, first: $0, others: head.otherIfNoneMatch)
                    })
                return .answered(response.answer(choice), head, length: length)
            case .stream(let answers):
                return .stream(
                    answers, head, length: length,
                    isUpToDate: isUpToDate(head, bytes, answers, latest))
            }
        }
    }

    /// Whether the peer already has the current total, by its `Last-Event-ID`. That is a version of
    /// the store. If this process published only one answer for the version, and that is not
    /// degraded, other processes published the same answer for it.
    private func isUpToDate(
        _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, _ answers: BaseAnswers,
        _ latest: ReportBoard.Current?
    ) -> Bool {
        guard let id = head.lastEventID, let latest else { return false }
        return latest.isOnlyOneOfVersion && !answers.isDegraded
            && bytes[id].elementsEqual(answers.version.utf8)
    }

    private func take(_ step: Step, _ input: inout ByteBuffer, _ context: ChannelHandlerContext) {
        switch step {
        case .incomplete:
            break
        case .refused(let response):
            refuse(response, context)
        case .answered(let answer, let head, let length):
            end(requestOf: length, in: &input)
            bodyBytesLeft = head.bodyBytes
            guard head.keepsAlive, !loop.isStopping else {
                write(answer, loop.closes, context)
                return close(context)
            }
            write(answer, head.isVersion10 ? loop.keepsAlive : nil, context)
        case .stream(let answers, let head, let length, let isUpToDate):
            end(requestOf: length, in: &input)
            guard head.method == .get, !loop.isStopping else {
                write(loop.firstLines(.ok), context)
                write(loop.streamHead, context)
                return close(context)
            }
            becomeViewer(of: answers, isUpToDate: isUpToDate, context)
        }
    }

    /// Moves past the head of a request.
    private func end(requestOf length: Int, in input: inout ByteBuffer) {
        requestBegan = nil
        isLineSkipped = false
        input.moveReaderIndex(forwardBy: length)
    }

    /// Sends the reason for ending the connection, and closes it.
    private func refuse(_ response: PreparedResponse, _ context: ChannelHandlerContext) {
        write(response.answer(PreparedResponse.Choice()), loop.closes, context)
        close(context)
    }

    /// - Parameter field: the field `Connection`, if any.
    private func write(
        _ answer: PreparedResponse.Answer, _ field: ByteBuffer?, _ context: ChannelHandlerContext
    ) {
        write(loop.firstLines(answer.status), context)
        if let field { write(field, context) }
        write(answer.rest, context)
    }

    func write(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        context.write(Self.wrapOutboundOut(bytes), promise: nil)
    }

    /// Whether an empty line, or its first byte, precedes the request: old clients send one after a
    /// body (RFC 9112, section 2.2). Only one is skipped, so that a stream of empty lines ends at
    /// the request's time limit.
    private static func beginsWithEmptyLine(_ input: ByteBuffer) -> Bool {
        let view = input.readableBytesView
        guard view.first == HTTPSyntax.carriageReturn else { return false }
        return view.count == 1 || view.dropFirst().first == HTTPSyntax.lineFeed
    }

    /// Whether the peer reads its answers. If not, its requests are not read either, which bounds
    /// the output that waits for it.
    private func canWrite(_ context: ChannelHandlerContext) -> Bool {
        if !isWritable { context.flush() }
        return isWritable
    }

    private func pause(_ context: ChannelHandlerContext) {
        isPaused = true
        try? context.channel.syncOptions?.setOption(.autoRead, value: false)
    }

    private func resume(_ context: ChannelHandlerContext) {
        isPaused = false
        lastActive = loop.tick
        if var earlier = pending {
            pending = nil
            answer(&earlier, context)
            context.flush()
        }
        if !isPaused { try? context.channel.syncOptions?.setOption(.autoRead, value: true) }
    }
}
