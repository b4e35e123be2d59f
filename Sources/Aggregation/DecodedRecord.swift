public import CivilTime
package import DeltaProtocol
public import Money

/// A settled transfer, decoded: all that the fold reads of it.
public struct DecodedTransfer: Sendable {
    /// Of `transfer_id`, under the topology's key.
    public var id: IDHash
    /// Minor units as the source counts them, 1 to `RecordDecoder.maximumAmount`.
    public var amount: Int64
    /// Event time: it decides the bucket.
    public var settledAt: UnixTime
    public var currency: Currency

    @inlinable
    package init(id: IDHash, amount: Int64, settledAt: UnixTime, currency: Currency) {
        self.id = id
        self.amount = amount
        self.settledAt = settledAt
        self.currency = currency
    }

    /// Where its bytes were not a transfer.
    static let none = DecodedTransfer(
        id: IDHash(low: 0, high: 0), amount: 0, settledAt: UnixTime(milliseconds: 0),
        currency: Currency(uncheckedIndex: 0))

    /// 17 bits that tell another amount, currency or time under the same id from a true repeat.
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
    /// What the bucket's correction must be for this one to apply.
    package var before: Int64
    /// When it was asked for; one that reaches the log long after is out of date.
    package var issuedAt: UnixTime

    /// As `DecodedTransfer.contentCheck`.
    var contentCheck: UInt32 {
        var z = UInt64(bitPattern: delta) &* 0x9E37_79B9_7F4A_7C15
        z ^= UInt64(UInt32(bitPattern: minute.number)) &+ UInt64(currency.index) &<< 48
        z = (z ^ (z &>> 32)) &* 0xD6E8_FEB8_6659_FD93
        return UInt32(truncatingIfNeeded: z &>> 47)
    }
}

/// What a record turned out to be. A transfer's fields are written beside it.
package enum DecodedRecord: Sendable {
    case transfer
    case correction(DecodedCorrection)
    case marker(LedgerMarker)
    /// Settles nothing: tombstone, delete, row of another state.
    case ignored
    case rejected(RejectReason)
}
