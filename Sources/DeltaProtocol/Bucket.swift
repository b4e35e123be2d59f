package import CivilTime
package import Money

/// One (currency, minute) and its absolute value.
package struct Bucket: Hashable, Sendable {
    package var minute: Minute
    package var currency: Currency
    package var value: BucketValue

    @inlinable
    package init(minute: Minute, currency: Currency, value: BucketValue) {
        self.minute = minute
        self.currency = currency
        self.value = value
    }

    /// The order of buckets in messages: by minute, then by currency code.
    @inlinable
    package static func precedes(_ a: Bucket, _ b: Bucket) -> Bool {
        a.minute != b.minute ? a.minute < b.minute : a.currency < b.currency
    }
}
