internal import Money
internal import NIOCore

/// What is known of one viewer of the stream.
struct Viewer {
    let base: Currency
    /// Of the last total that it was sent, or had; nil before the first.
    var lastTotal: EntityTag?
    /// When it was last sent anything.
    var lastSent: UInt32
    /// Since when it has not taken what was sent; nil while it takes everything.
    var stuckSince: UInt32?
    /// Whether a newer total came while an older one was still waiting to be taken.
    var isBehind = false
}

extension Connection {
    /// Turns the connection into a stream: the state first, then each change.
    func becomeViewer(
        of answers: BaseAnswers, isUpToDate: Bool, _ context: ChannelHandlerContext
    ) {
        // One byte that waits makes the channel unwritable: a viewer is sent nothing new while it
        // has not taken what is old, so that what waits for it is never more than one event.
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

    /// Sends the viewer its total, if it is another one than it has. A connection that is no
    /// viewer is passed over.
    func offer(_ snapshot: PublicSnapshot) {
        guard case .viewer(var viewer) = phase, let context else { return }
        guard let answers = snapshot.answers(in: viewer.base) else {
            // There is no rate any more: the viewer comes back and is told so.
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

    /// Sends what came while the viewer took what was older: the newest only.
    func catchUp() {
        guard case .viewer(var viewer) = phase else { return }
        let isBehind = viewer.isBehind
        viewer.stuckSince = nil
        viewer.isBehind = false
        phase = .viewer(viewer)
        if isBehind, let snapshot = loop.latest?.snapshot { offer(snapshot) }
    }

    /// Sends a heartbeat when it is time, and gives up a viewer that takes nothing.
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
