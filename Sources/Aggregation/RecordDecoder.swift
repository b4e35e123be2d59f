internal import Money
internal import Topology

/// Turns a record's bytes into a transfer, a control record, or a reason why not.
///
/// Accepted shapes: the native object; a Debezium change event that carries it as `after`; the row
/// that Debezium's flattening leaves of one; an outbox payload. Each may stand in a wrapper with a
/// `payload` or be escaped into a string, or both (`RecordDecoder+Shapes`).
/// The plain native object in its usual spelling takes a path of its own
/// (`RecordDecoder+CompactForm`) that must agree with the general one on every input it takes.
///
/// No input traps; memory is bounded by `maximumBytes`. One owner, any thread.
@safe
package struct RecordDecoder: ~Copyable {
    /// A longer value is rejected unread.
    package static let maximumBytes = 64 << 10
    /// Bytes of a transfer or correction id.
    package static let identifierBytes = 1...128
    /// The greatest amount of one transfer: the bound of a bucket's sum.
    package static let maximumAmount: Int64 = 1 << 52

    let transferKey: IDKey
    let correctionKey: IDKey
    /// The words, in UTF-8, that mean settled where a row has a state.
    let settledWords: [[UInt8]]
    /// `Currency.indexBySlot`, copied to where the hot path reads it without checks.
    let currencyBySlot: UnsafeMutablePointer<UInt16>
    /// The last minute that the compact form read: 16 bytes of text and what they mean. At first
    /// 1970-01-01T00:00, which is minute 0: a text must have been a time to be compared with.
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

    /// Decodes one value; nil is a tombstone. Where the answer is `.transfer`, its fields are in
    /// `transfer`, which is otherwise unspecified.
    package mutating func decode(
        _ value: UnsafeRawBufferPointer?, into transfer: inout DecodedTransfer
    ) -> DecodedRecord {
        guard let value = unsafe value else { return .ignored }
        if unsafe decodeCompact(value, into: &transfer) { return .transfer }
        return unsafe decodeGeneral(value, into: &transfer)
    }

    /// As `decode`, without the compact form's own path.
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
