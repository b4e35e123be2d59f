/// How long to wait for the next look at a source. A plain value: the random numbers and the
/// waiting are the caller's.
struct RatesSchedule: Hashable, Sendable {
    /// Between two looks while all goes well.
    var refresh: Duration

    /// The wait after `observation`.
    mutating func wait(
        after observation: RatesObservation, using random: inout some RandomNumberGenerator
    ) -> Duration {
        refresh
    }
}
