internal import Aggregation
internal import CivilTime
internal import Money

/// The fields of a transfer that the fold reads, in half a cache line.
struct RollupEntry {
    var id: IDHash
    /// Minor units; above 0.
    var amount: Int64
    /// 44 bits of bucket, 20 of content check.
    private var packed: UInt64

    private static let checkBits: UInt64 = 20
    private static let checkMask: UInt32 = (1 << 20) - 1

    init(_ transfer: DecodedTransfer) {
        id = transfer.id
        amount = transfer.amount
        let bucket = BucketKey(currency: transfer.currency, time: transfer.settledAt)
        packed =
            bucket.packed << Self.checkBits | UInt64(transfer.contentCheck & Self.checkMask)
    }

    var bucket: BucketKey { BucketKey(packed: packed >> Self.checkBits) }
    var contentCheck: UInt32 { UInt32(truncatingIfNeeded: packed) & Self.checkMask }
}

/// A currency and a minute of the years 0000 to 9999, which need more than 32 bits of minutes.
struct BucketKey: Hashable {
    /// 34 bits of minutes since 0000-01-01, of which ten thousand years need 33; 10 of
    /// currency index. Below 2^44.
    let packed: UInt64

    static let currencyBits: UInt64 = 10
    /// 0000-01-01T00:00:00Z, in UNIX milliseconds.
    private static let originMilliseconds: Int64 = -62_167_219_200_000
    /// The last minute of the year 9999, counted from that origin.
    private static let lastMinute: Int64 = 5_259_491_999

    init(packed: UInt64) { self.packed = packed }

    /// An offset can move a time a day beyond the years that can be written; the minute is clamped.
    init(currency: Currency, time: UnixTime) {
        let minute = max(time.milliseconds - Self.originMilliseconds, 0) / 60_000
        packed =
            UInt64(min(minute, Self.lastMinute)) << Self.currencyBits | UInt64(currency.index)
    }

    var currency: Currency {
        Currency(
            uncheckedIndex: UInt16(truncatingIfNeeded: packed & ((1 << Self.currencyBits) - 1)))
    }

    /// The first instant of the minute.
    var minuteStart: UnixTime {
        UnixTime(
            milliseconds: Int64(packed >> Self.currencyBits) * 60_000 + Self.originMilliseconds)
    }
}
