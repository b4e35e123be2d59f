package import CivilTime
import Hashing
package import Money

/// A digest of a set of buckets: equal sets give equal digests in any order; zero buckets do not
/// count. It detects accidents, not attackers.
///
/// Each bucket is mixed to 128 bits by chained SplitMix64 finalizers; the digest is the wrapping
/// sum, so that a set can be digested in parts.
package struct ShardDigest: Hashable, Sendable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64 = 0, low: UInt64 = 0) {
        self.high = high
        self.low = low
    }

    /// - Parameter isLate: true for late money, which is a separate set.
    package mutating func add(
        minute: Minute, currency: Currency, value: BucketValue, isLate: Bool
    ) {
        guard !value.isZero else { return }
        var chain = Self.mix(
            UInt64(currency.packedCode) << 32 | UInt64(UInt32(bitPattern: minute.number)))
        if isLate { chain = Self.mix(~chain) }
        chain = Self.mix(chain ^ UInt64(bitPattern: value.settled))
        chain = Self.mix(chain ^ UInt64(bitPattern: value.transfers))
        chain = Self.mix(chain ^ UInt64(bitPattern: value.correction))
        let (sum, carry) = low.addingReportingOverflow(chain)
        low = sum
        high = high &+ Self.mix(chain) &+ (carry ? 1 : 0)
    }

    package mutating func add(_ bucket: Bucket, isLate: Bool) {
        add(
            minute: bucket.minute, currency: bucket.currency, value: bucket.value, isLate: isLate)
    }

    /// SplitMix64's next draw after the state `value`.
    private static func mix(_ value: UInt64) -> UInt64 {
        SplitMix64.mix(value &+ SplitMix64.increment)
    }
}
