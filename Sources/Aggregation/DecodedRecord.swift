public import CivilTime
package import DeltaProtocol
public import Money

/// A decoded settled transfer: every field that the fold reads.
public struct DecodedTransfer: Sendable {
    /// The hash of `transfer_id` under the topology's key.
    public var id: IDHash
    /// In the source's minor units, 1 to `RecordDecoder.maximumAmount`.
    public var amount: Int64
    /// Event time, which decides the bucket.
    public var settledAt: UnixTime
    public var currency: Currency

    @inlinable
    package init(id: IDHash, amount: Int64, settledAt: UnixTime, currency: Currency) {
        self.id = id
        self.amount = amount
        self.settledAt = settledAt
        self.currency = currency
    }

    /// A placeholder for records that are not transfers.
    static let none = DecodedTransfer(
        id: IDHash(low: 0, high: 0), amount: 0, settledAt: UnixTime(milliseconds: 0),
        currency: Currency(uncheckedIndex: 0))

    /// 17 bits that distinguish a conflict (same id, other amount, currency or time) from a repeat.
    @inlinable @inline(__always)
    package var contentCheck: UInt32 {
        var z = UInt64(bitPattern: amount) &* 0x9E37_79B9_7F4A_7C15
        z ^= UInt64(bitPattern: settledAt.milliseconds) &+ UInt64(currency.index) &<< 48
        z = (z ^ (z &>> 32)) &* 0xD6E8_FEB8_6659_FD93
        z = (z ^ (z &>> 32)) &* 0xD6E8_FEB8_6659_FD93
        return UInt32(truncatingIfNeeded: z &>> 47)
    }
}

/// A signed change of one bucket.
package struct DecodedCorrection: Sendable, Hashable {
    package var id: IDHash
    package var currency: Currency
    package var minute: Minute
    /// Minor units, signed.
    package var delta: Int64
    /// The correction is void unless the bucket's correction has this value.
    package var before: Int64
    /// When an operator requested it. It is void if it reaches the log too long after that.
    package var issuedAt: UnixTime

    /// As `DecodedTransfer.contentCheck`.
    var contentCheck: UInt32 {
        var z = UInt64(bitPattern: delta) &* 0x9E37_79B9_7F4A_7C15
        z ^= UInt64(UInt32(bitPattern: minute.number)) &+ UInt64(currency.index) &<< 48
        z = (z ^ (z &>> 32)) &* 0xD6E8_FEB8_6659_FD93
        return UInt32(truncatingIfNeeded: z &>> 47)
    }
}

/// The kind of a decoded record. For a transfer, the decoder also fills in a `DecodedTransfer`.
package enum DecodedRecord: Sendable {
    case transfer
    case correction(DecodedCorrection)
    case marker(LedgerMarker)
    /// Settles nothing: tombstone, delete, row of another state.
    case ignored
    case rejected(RejectReason)
}
