import RegionCore
import Testing

@Suite("Backoff")
struct BackoffTests {
    /// Always returns the same value, so that a draw gives the end of its range: `.max` the upper
    /// one, 2^40 the lower (0 would be redrawn forever).
    private struct Extreme: RandomNumberGenerator {
        var value: UInt64
        func next() -> UInt64 { value }
    }

    private struct Counting: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }

    @Test("Windows double from 30 ms to 5 s")
    func windows() {
        var highest = Extreme(value: .max)
        var backoff = Backoff()
        let waits = (0..<10).map { _ in backoff.wait(using: &highest) }
        let milliseconds = [30, 60, 120, 240, 480, 960, 1_920, 3_840, 5_000, 5_000]
        #expect(waits == milliseconds.map { .milliseconds($0) })
        #expect(backoff.failures == 10)
        backoff.reset()
        #expect(backoff.wait(using: &highest) == .milliseconds(30))
    }

    @Test("Waits are drawn down to zero: nodes spread over the whole window")
    func jitter() {
        var random = Counting(state: 4)
        let waits = (0..<2_000).map { _ in
            var backoff = Backoff()
            for _ in 0..<9 { _ = backoff.wait(using: &random) }
            return backoff.wait(using: &random)
        }
        for tenth in 0..<10 {
            let from = Backoff.cap * tenth / 10
            let count = waits.filter { $0 >= from && $0 <= from + Backoff.cap / 10 }.count
            #expect((120...280).contains(count), "tenth \(tenth)")
        }
    }

    @Test("The same seed gives the same waits")
    func determinism() {
        func waits(seed: UInt64) -> [Duration] {
            var (random, backoff) = (Counting(state: seed), Backoff())
            return (0..<20).map { _ in backoff.wait(using: &random) }
        }
        #expect(waits(seed: 1) == waits(seed: 1))
        #expect(waits(seed: 1) != waits(seed: 2))
    }

    @Test("Retry-After is honoured in full, up to a minute, plus jitter")
    func retryAfter() {
        var lowest = Extreme(value: 1 << 40)
        var highest = Extreme(value: .max)
        var backoff = Backoff()
        #expect(backoff.wait(after: .seconds(7), using: &lowest) == .seconds(7))
        #expect(backoff.wait(after: .seconds(9_999), using: &lowest) == .seconds(60))
        #expect(backoff.wait(after: .seconds(-5), using: &lowest) == .zero)
        #expect(backoff.wait(after: .seconds(1), using: &highest) == .milliseconds(1_240))
    }

    @Test("A refusal is retried slowly, and many failures do not change that")
    func refusals() {
        var lowest = Extreme(value: 1 << 40)
        var highest = Extreme(value: .max)
        var backoff = Backoff()
        #expect(backoff.waitAfterRefusal(using: &lowest) == .seconds(5))
        #expect(backoff.waitAfterRefusal(using: &highest) == .seconds(10))
        for _ in 0..<100_000 { _ = backoff.wait(using: &lowest) }
        #expect(backoff.wait(using: &highest) == .seconds(5))
    }
}
