import Money
import RatesCore
import RatesFeed
import Testing

@Suite struct RatesScheduleTests {
    /// Gives the end of every range: `.max` the upper one, 2^30 the lower one.
    private struct Extreme: RandomNumberGenerator {
        var value: UInt64
        func next() -> UInt64 { value }
    }

    private static let refresh = Duration.seconds(900)

    private static func problem(
        _ problem: RatesProblem, retryAfter: Duration? = nil
    ) -> RatesObservation {
        .problem(problem, detail: "", retryAfter: retryAfter)
    }

    @Test func `a file is checked at even intervals, whatever it contains`() {
        var random = Extreme(value: .max)
        var schedule = RatesSchedule(refresh: .seconds(1), isFetched: false)
        for observation in [RatesObservation.nothingNew, Self.problem(.fileMissing)] {
            #expect(schedule.wait(after: observation, using: &random) == .seconds(1))
        }
    }

    @Test func `a provider's clients spread over a tenth of the refresh`() {
        var (lowest, highest) = (Extreme(value: 1 << 30), Extreme(value: .max))
        var schedule = RatesSchedule(refresh: Self.refresh, isFetched: true)
        #expect(schedule.wait(after: .confirmed, using: &lowest) == Self.refresh)
        #expect(schedule.wait(after: .confirmed, using: &highest) == .seconds(990))
    }

    @Test func `a temporary failure is retried in growing windows until success`() {
        var random = Extreme(value: .max)
        var schedule = RatesSchedule(refresh: Self.refresh, isFetched: true)
        let windows = (0..<9).map { _ in
            schedule.wait(after: Self.problem(.unreachable), using: &random)
        }
        #expect(windows == [4, 8, 16, 32, 64, 128, 256, 300, 300].map { .seconds($0) })
        _ = schedule.wait(after: .confirmed, using: &random)
        #expect(schedule.wait(after: Self.problem(.torn), using: &random) == .seconds(4))
        var lowest = Extreme(value: 1 << 30)
        #expect(schedule.wait(after: Self.problem(.timeout), using: &lowest) == .seconds(1))
    }

    @Test func `Retry-After is honoured up to an hour`() {
        var lowest = Extreme(value: 1 << 30)
        var schedule = RatesSchedule(refresh: Self.refresh, isFetched: true)
        func wait(_ status: Int, _ seconds: Int) -> Duration {
            schedule.wait(
                after: Self.problem(.status(status), retryAfter: .seconds(seconds)),
                using: &lowest)
        }
        #expect(wait(503, 120) == .seconds(120))
        #expect(wait(429, 86_400) == .seconds(3_600))
        #expect(wait(403, 120) == Self.refresh)
        #expect(wait(403, 86_400) == .seconds(3_600))
    }

    @Test(arguments: [
        RatesProblem.status(401), .status(403), .status(404), .redirected, .malformed,
        .notPositive, .oversize, .secretUnreadable,
    ])
    func `a permanent failure waits for the next refresh`(problem: RatesProblem) {
        var lowest = Extreme(value: 1 << 30)
        var schedule = RatesSchedule(refresh: Self.refresh, isFetched: true)
        #expect(schedule.wait(after: Self.problem(problem), using: &lowest) == Self.refresh)
    }
}
