internal import Money
internal import Topology

/// Decodes a record's bytes to a transfer, a control record, or a reason to reject it.
///
/// Accepted shapes: the native object; a Debezium change event that carries it as `after`; the row
/// that Debezium's flattening leaves of one; an outbox payload. Each may be wrapped in an object
/// with a `payload`, escaped into a string, or both (`RecordDecoder+Shapes`). The native object in
/// its usual spelling takes a fast path (`RecordDecoder+CompactForm`) that must agree with the
/// general one on every input it accepts.
///
/// No input traps; memory is bounded by `maximumBytes`. One owner, any thread.
@safe
package struct RecordDecoder: ~Copyable {
    /// Longer values are rejected unread.
    package static let maximumBytes = 64 << 10
    /// Allowed length of a transfer or correction id, in bytes.
    package static let identifierBytes = 1...128
    /// The largest amount of one transfer, equal to the bound of a bucket's sum.
    package static let maximumAmount: Int64 = 1 << 52

    let transferKey: IDKey
    let correctionKey: IDKey
    /// The values, in UTF-8, of a row's state that mean settled.
    let settledWords: [[UInt8]]
    /// A copy of `Currency.indexBySlot` that the hot path reads without checks.
    let currencyBySlot: UnsafeMutablePointer<UInt16>
    /// The last minute that the compact form read: 16 bytes of text and the time they denote.
    /// Initially 1970-01-01T00:00, minute 0, so that the cache only ever matches valid times.
    var minuteText: (UInt64, UInt64) = (0x2D31_302D_3037_3931, 0x3030_3A30_3054_3130)
    var minuteStart: Int64 = 0

    package init(key: IDKey, settledWords: [String] = Region.defaultSettledWords) {
        transferKey = key
        correctionKey = key.forCorrections
        self.settledWords = settledWords.map { Array($0.utf8) }
        let table = Currency.indexBySlot
        unsafe currencyBySlot = .allocate(capacity: table.count)
        unsafe currencyBySlot.initialize(from: table, count: table.count)
    }

    deinit { unsafe currencyBySlot.deallocate() }

    /// Decodes one value; nil is a tombstone. If the result is `.transfer`, its fields are in
    /// `transfer`, which is otherwise unspecified.
    package mutating func decode(
        _ value: UnsafeRawBufferPointer?, into transfer: inout DecodedTransfer
    ) -> DecodedRecord {
        guard let value = unsafe value else { return .ignored }
        if unsafe decodeCompact(value, into: &transfer) { return .transfer }
        return unsafe decodeGeneral(value, into: &transfer)
    }

    /// Like `decode`, but without the fast path for the compact form.
    package mutating func decodeGeneral(
        _ value: UnsafeRawBufferPointer, into transfer: inout DecodedTransfer
    ) -> DecodedRecord {
        guard value.count <= Self.maximumBytes else { return .rejected(.size) }
        do {
            return try unsafe decodeDocument(value, into: &transfer)
        } catch {
            return .rejected(error)
        }
    }
}
