/// The result of one check of a source.
package enum RatesObservation: Sendable {
    /// The source's current rates, which may equal the previous ones.
    case rates(PublishedRates)
    /// The source says that the last good rates are current.
    case confirmed
    /// Nothing has changed since the last check, which reported everything.
    case nothingNew
    /// Nothing usable. `detail` is safe to print; `retryAfter` is the source's own request.
    case problem(RatesProblem, detail: String, retryAfter: Duration?)
    /// `stop` ended the check.
    case stopped
}
