import ServiceLifecycle

/// The publisher's first turn, which the public listener waits for: an HQ that comes back has an
/// answer before it has a port. Where there is nothing to publish (the first start of all, without
/// a store) the turn ends all the same.
struct FirstTurn: Sendable {
    private let turns: AsyncStream<Never>
    private let continuation: AsyncStream<Never>.Continuation

    init() { (turns, continuation) = AsyncStream.makeStream() }

    /// Lets the waiting service go on. From any thread; calling it again changes nothing.
    func end() { continuation.finish() }

    /// `service`, run from the end of the turn on, or from a graceful shutdown on. For one service.
    func then<Waiting: Service>(_ service: Waiting) -> some Service {
        Follower(turn: self, service: service)
    }

    private struct Follower<Waiting: Service>: Service {
        let turn: FirstTurn
        let service: Waiting

        func run() async throws {
            await cancelWhenGracefulShutdown { for await _ in turn.turns {} }
            try await service.run()
        }
    }
}
