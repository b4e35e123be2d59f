/// The contents of one bucket. All three fields are exact: adding beyond the bounds is an error and
/// never wraps.
package struct BucketValue: Hashable, Sendable {
    /// The sum of settled transfers, in minor units; within ±`Limits.sumMagnitude`.
    package var settled: Int64
    /// How many transfers `settled` sums; 0 or more.
    package var transfers: Int64
    /// The signed sum of corrections, in minor units; within ±`Limits.sumMagnitude`.
    package var correction: Int64

    @inlinable
    package init(settled: Int64 = 0, transfers: Int64 = 0, correction: Int64 = 0) {
        self.settled = settled
        self.transfers = transfers
        self.correction = correction
    }

    package static let zero = BucketValue()

    @inlinable
    package var isZero: Bool { settled == 0 && transfers == 0 && correction == 0 }

    /// The bucket's share of the public total: settled plus corrections. Cannot overflow within the
    /// limits.
    @inlinable
    package var published: Int64 { settled + correction }

    /// True if each field is within the limits that keep all sums safe.
    package var isWithinLimits: Bool {
        settled.magnitude <= Limits.sumMagnitude.magnitude
            && correction.magnitude <= Limits.sumMagnitude.magnitude
            && transfers >= 0 && transfers <= Limits.sumMagnitude
    }
}
