import CivilTime
import DeltaProtocol
import Money

/// Parses the contents of a shard's hash.
enum BucketText {
    /// The value of a field, `settled:transfers:correction`; nil if it is malformed or out of a
    /// bucket's bounds.
    static func value(_ bytes: UnsafeRawBufferPointer) -> BucketValue? {
        var at = 0
        guard let settled = number(bytes, &at), skipColon(bytes, &at),
            let transfers = number(bytes, &at), skipColon(bytes, &at),
            let correction = number(bytes, &at), at == bytes.count
        else { return nil }
        let value = BucketValue(settled: settled, transfers: transfers, correction: correction)
        return value.isWithinLimits ? value : nil
    }

    /// The currency of a field; nil if this build's table has no such code.
    static func currency(_ bytes: UnsafeRawBufferPointer) -> Currency? {
        guard bytes.count == 3, let slot = Currency.slot(bytes[0], bytes[1], bytes[2]) else {
            return nil
        }
        let index = Currency.indexBySlot[slot]
        return index == Currency.none ? nil : Currency(uncheckedIndex: index)
    }

    /// A decimal number with an optional minus sign; nil if there is none or it is too large.
    static func number(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        var at = 0
        guard let number = number(bytes, &at), at == bytes.count else { return nil }
        return number
    }

    /// Appends the buckets of one hash to `buckets` in the order of currency codes.
    ///
    /// Ignores codes that this build does not know, because a newer build wrote them. False if the
    /// key holds anything but a hash of values.
    static func append(
        _ hash: ReplyView, minute: Minute, to buckets: inout [Bucket]
    ) -> Bool {
        guard hash.isArray, hash.count % 2 == 0 else { return false }
        let first = buckets.count
        var previous: Currency?
        var isSorted = true
        for index in stride(from: 0, to: hash.count, by: 2) {
            guard let currency = currency(hash[index].bytes) else { continue }
            guard let value = value(hash[index + 1].bytes) else {
                buckets.removeSubrange(first...)
                return false
            }
            if let previous, !(previous < currency) { isSorted = false }
            previous = currency
            buckets.append(Bucket(minute: minute, currency: currency, value: value))
        }
        if !isSorted {
            buckets[first...].sort { Bucket.precedes($0, $1) }
        }
        return true
    }

    private static func skipColon(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) -> Bool {
        guard at < bytes.count, bytes[at] == 0x3A else { return false }
        at += 1
        return true
    }

    private static func number(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) -> Int64? {
        let isNegative = at < bytes.count && bytes[at] == 0x2D
        if isNegative { at += 1 }
        let start = at
        var magnitude: UInt64 = 0
        while at < bytes.count, bytes[at] &- 0x30 <= 9 {
            // 19 digits never overflow `UInt64`, and no `Int64` has more.
            guard at - start < 19 else { return nil }
            magnitude = magnitude * 10 + UInt64(bytes[at] - 0x30)
            at += 1
        }
        guard at > start, let number = Int64(exactly: magnitude) else { return nil }
        return isNegative ? -number : number
    }
}
