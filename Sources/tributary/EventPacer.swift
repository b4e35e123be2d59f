#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Hands out the positions of a stream of events: at once, or as many a second as asked.
struct EventPacer {
    private let count: Int
    private let rate: Int?
    private var next = 0
    private let begun = ContinuousClock.now

    /// Positions of one hand-out, so that memory stays small and progress visible.
    private static let chunk = 4_096
    /// With a rate, events that fall due together within this time are handed out together.
    private static let tick = Duration.milliseconds(10)

    init(count: Int, rate: Int?) {
        self.count = count
        self.rate = rate
    }

    /// The next positions to make; with a rate, sleeps until at least one is due. Nil at the end.
    mutating func take() -> Range<Int>? {
        guard next < count else { return nil }
        var end = min(next + Self.chunk, count)
        if let rate {
            while due(rate) <= next { usleep(useconds_t(Self.tick / .microseconds(1))) }
            end = min(end, due(rate))
        }
        defer { next = end }
        return next..<end
    }

    /// How many events are due by now.
    private func due(_ rate: Int) -> Int {
        let elapsed = (ContinuousClock.now - begun).components
        let milliseconds = elapsed.seconds * 1_000 + elapsed.attoseconds / 1_000_000_000_000_000
        return Int(milliseconds) * rate / 1_000
    }
}
