internal import Money
internal import NIOCore

/// The state of one viewer of the stream.
struct Viewer {
    let base: Currency
    /// The tag of the last total that the viewer has; nil before the first.
    var lastTotal: EntityTag?
    /// The tick of the last bytes sent.
    var lastSent: UInt32
    /// Since when the viewer has unread bytes; nil if it has read everything.
    var stuckSince: UInt32?
    /// Whether a newer total arrived while the viewer had not read an older one.
    var isBehind = false
}

extension Connection {
    /// Turns the connection into a stream of the current total and later ones.
    func becomeViewer(
        of answers: BaseAnswers, isUpToDate: Bool, _ context: ChannelHandlerContext
    ) {
        // A single unsent byte makes the channel unwritable. So a viewer that has not read an event
        // gets no further one, and at most one event waits for it.
        if let options = context.channel.syncOptions {
            try? options.setOption(
                .socketOption(.so_sndbuf),
                value: SocketOptionValue(loop.configuration.viewerSendBufferBytes))
            try? options.setOption(
                .writeBufferWaterMark, value: .init(low: 1, high: 1))
        }
        phase = .viewer(
            Viewer(base: answers.base, lastTotal: answers.totalTag, lastSent: loop.tick))
        var bytes = loop.firstLines(.ok)
        bytes.writeImmutableBuffer(loop.streamHead)
        bytes.writeString("retry: \(Int.random(in: loop.configuration.retryMilliseconds))\n\n")
        if !isUpToDate { bytes.writeImmutableBuffer(answers.event) }
        send(bytes, context)
    }

    /// Sends the viewer its total if that has changed. Does nothing if the connection is not a
    /// viewer.
    func offer(_ rendered: RenderedReport) {
        guard case .viewer(var viewer) = phase, let context else { return }
        guard let answers = rendered.answers(in: viewer.base) else {
            // The base has no rate any more. The viewer reconnects and gets the reason.
            return close(context)
        }
        guard viewer.lastTotal != answers.totalTag else { return }
        guard isWritable else {
            viewer.isBehind = true
            phase = .viewer(viewer)
            return
        }
        viewer.lastTotal = answers.totalTag
        phase = .viewer(viewer)
        send(answers.event, context)
    }

    /// Sends the newest total if any arrived while the viewer was reading an older one.
    func catchUp() {
        guard case .viewer(var viewer) = phase else { return }
        let isBehind = viewer.isBehind
        viewer.stuckSince = nil
        viewer.isBehind = false
        phase = .viewer(viewer)
        if isBehind, let rendered = loop.latest?.rendered { offer(rendered) }
    }

    /// Sends a heartbeat when it is due, and closes a viewer that reads nothing.
    func sweepViewer(_ context: ChannelHandlerContext) {
        guard case .viewer(let viewer) = phase else { return }
        if let since = viewer.stuckSince {
            if loop.tick &- since >= loop.timeouts.stuck { cut() }
        } else if loop.tick &- viewer.lastSent >= loop.timeouts.heartbeat {
            send(loop.heartbeat, context)
        }
    }

    private func send(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        write(bytes, context)
        context.flush()
        guard case .viewer(var viewer) = phase else { return }
        viewer.lastSent = loop.tick
        if !isWritable, viewer.stuckSince == nil { viewer.stuckSince = loop.tick }
        phase = .viewer(viewer)
    }
}
