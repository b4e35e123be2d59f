#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Hands out the positions of a stream of events: at once, or at a given rate.
struct EventPacer {
    private let count: Int
    private let rate: Int?
    private var next = 0
    private let begun = ContinuousClock.now

    /// Positions handed out at once; few, to limit memory and to show progress.
    private static let chunk = 4_096
    /// With a rate, events that are due within this time are handed out together.
    private static let tick = Duration.milliseconds(10)

    init(count: Int, rate: Int?) {
        self.count = count
        self.rate = rate
    }

    /// The next positions; nil at the end. With a rate, sleeps until at least one is due.
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

    /// The number of events that are due now.
    private func due(_ rate: Int) -> Int {
        let elapsed = (ContinuousClock.now - begun).components
        let milliseconds = elapsed.seconds * 1_000 + elapsed.attoseconds / 1_000_000_000_000_000
        return Int(milliseconds) * rate / 1_000
    }
}
