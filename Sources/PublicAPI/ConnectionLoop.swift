internal import Glibc
internal import NIOCore

/// One thread's connections: the answers they get, their timeouts, and the walk that sends changes
/// to all viewers. Everything runs on the event loop, so it needs no lock.
final class ConnectionLoop {
    /// Timeouts in sweeps.
    struct Timeouts {
        let idle, request, heartbeat, stuck, linger: UInt32
    }

    /// How long a closing connection waits for the peer to close it.
    private static let linger: Duration = .seconds(2)
    /// Viewers that get a change before other connections get their turn.
    private static let viewersAtOnce = 1_024
    /// Connections that are refused with an answer at a time; further ones get no answer.
    private static let refusalsMax = 64

    let eventLoop: any EventLoop
    let router: Router
    let configuration: PublicServerConfiguration
    let timeouts: Timeouts
    let reader = RequestReader(limits: RequestLimits())
    let heartbeat = ByteBuffer(string: ":\n\n")
    let streamHead = ByteBuffer(string: ConnectionLoop.streamHead)
    let closes = ByteBuffer(string: "Connection: close\r\n")
    let keepsAlive = ByteBuffer(string: "Connection: keep-alive\r\n")

    private let published: ReportBoard
    private let counter: ConnectionCounter
    private var datedLines = DatedLines()
    private var connections: [Connection] = []
    private var current: ReportBoard.Current?
    private var generation: UInt64 = 0
    /// The number of sweeps: the clock of all timeouts.
    private(set) var tick: UInt32 = 0
    private(set) var isStopping = false
    private var emptied: EventLoopPromise<Void>?
    private var sweeping: RepeatedTask?
    /// The walk has yet to visit the connections below this index. It goes downwards, so that a
    /// removed connection never makes it skip another.
    private var cursor = 0
    /// Whether another walk follows the one under way.
    private var isWalkDue = false

    init(
        eventLoop: any EventLoop, router: Router, configuration: PublicServerConfiguration,
        published: ReportBoard, counter: ConnectionCounter
    ) {
        self.eventLoop = eventLoop
        self.router = router
        self.configuration = configuration
        self.published = published
        self.counter = counter
        func sweeps(_ duration: Duration) -> UInt32 {
            UInt32(clamping: max(1, Int((duration / configuration.sweepInterval).rounded(.up))))
        }
        timeouts = Timeouts(
            idle: sweeps(configuration.idleTimeout), request: sweeps(configuration.requestTimeout),
            heartbeat: sweeps(configuration.heartbeat), stuck: sweeps(configuration.stuckAfter),
            linger: sweeps(Self.linger))
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        sweeping = eventLoop.scheduleRepeatedTask(
            initialDelay: TimeAmount(configuration.sweepInterval),
            delay: TimeAmount(configuration.sweepInterval)
        ) { _ in bound.value.sweep() }
    }

    /// The current report. Costs one read of a counter if nothing has changed.
    var latest: ReportBoard.Current? {
        if published.generation != generation { (current, generation) = published.read() }
        return current
    }

    /// The status line and the current `Date`.
    func firstLines(_ status: ResponseStatus) -> ByteBuffer {
        datedLines.line(status, second: time(nil))
    }

    // MARK: Connections

    /// Accepts a new connection.
    /// - Returns: nil if there are too many even to refuse this one with an answer.
    func accept() -> Connection? {
        let (open, max) = (counter.open, counter.max)
        guard open < max + Self.refusalsMax else { return nil }
        return Connection(loop: self, isRefused: open >= max || isStopping)
    }

    func add(_ connection: Connection) {
        counter.add(1)
        connection.place = connections.count
        connections.append(connection)
    }

    func remove(_ connection: Connection) {
        counter.add(-1)
        let last = connections.removeLast()
        if last !== connection {
            connections[connection.place] = last
            last.place = connection.place
        }
        if connections.isEmpty { emptied?.succeed() }
    }

    private func sweep() {
        tick &+= 1
        var place = connections.count
        while place > 0 {
            place = min(place, connections.count)
            guard place > 0 else { break }
            place -= 1
            connections[place].sweep()
        }
    }

    /// Closes all connections gracefully, and after `drainDuration` at once.
    func stop() -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        isStopping = true
        emptied = promise
        for connection in connections.reversed() { connection.stop() }
        if connections.isEmpty { promise.succeed() }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: TimeAmount(configuration.drainDuration)) {
            for connection in bound.value.connections.reversed() { connection.cut() }
        }
        return promise.futureResult.always { _ in bound.value.sweeping?.cancel() }
    }

    // MARK: Viewers

    /// Sends every viewer its changed total. If a walk is under way, another one follows it.
    func notifyViewers() {
        guard cursor == 0 else {
            isWalkDue = true
            return
        }
        cursor = connections.count
        walk()
    }

    private func walk() {
        guard let rendered = latest?.rendered else {
            cursor = 0
            return
        }
        var left = Self.viewersAtOnce
        cursor = min(cursor, connections.count)
        while cursor > 0, left > 0 {
            cursor -= 1
            left -= 1
            connections[cursor].offer(rendered)
            cursor = min(cursor, connections.count)
        }
        if cursor == 0 {
            guard isWalkDue else { return }
            isWalkDue = false
            cursor = connections.count
        }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute { bound.value.walk() }
    }

    /// The fields of the event stream, without status line and date. It ends with the connection.
    private static let streamHead =
        "Content-Type: text/event-stream; charset=utf-8\r\n"
        + ResponseFields.cache("no-store, no-transform") + "X-Accel-Buffering: no\r\n"
        + "Connection: close\r\n" + ResponseFields.api + "\r\n"
}
