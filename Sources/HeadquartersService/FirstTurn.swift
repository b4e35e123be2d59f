import ServiceLifecycle

/// The publisher's first turn. A restarted HQ binds its public port at once, but accepts no
/// connections until this turn ends. The turn also ends if there is nothing to publish, as on the
/// very first start without a store.
struct FirstTurn: Sendable {
    private let turns: AsyncStream<Never>
    private let continuation: AsyncStream<Never>.Continuation

    init() { (turns, continuation) = AsyncStream.makeStream() }

    /// Ends the turn. Any thread; later calls have no effect.
    func end() { continuation.finish() }

    /// Returns at the end of the turn or when the service stops. Only one task may wait.
    func wait() async {
        await cancelWhenGracefulShutdown { for await _ in turns {} }
    }
}
