import ServiceLifecycle

/// The publisher's first turn, which the public listener waits for: an HQ that comes back has its
/// port at once, and an answer before it takes anybody in. Where there is nothing to publish (the
/// first start of all, without a store) the turn ends all the same.
struct FirstTurn: Sendable {
    private let turns: AsyncStream<Never>
    private let continuation: AsyncStream<Never>.Continuation

    init() { (turns, continuation) = AsyncStream.makeStream() }

    /// Lets who waits go on. From any thread; calling it again changes nothing.
    func end() { continuation.finish() }

    /// Returns at the end of the turn, or as soon as the service is to stop. For one who waits.
    func wait() async {
        await cancelWhenGracefulShutdown { for await _ in turns {} }
    }
}
