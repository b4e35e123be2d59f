/// What one look at a source brought.
package enum RatesObservation: Sendable {
    /// What the source says now; it may be what it said before.
    case rates(PublishedRates)
    /// The source says that the last good rates are its present ones.
    case confirmed
    /// Nothing has happened since the last look, which told what there was to tell.
    case nothingNew
    /// Nothing usable. `detail` is safe to print; `retryAfter` is what the source asked for.
    case problem(RatesProblem, detail: String, retryAfter: Duration?)
    /// Ended by `stop`.
    case stopped
}
