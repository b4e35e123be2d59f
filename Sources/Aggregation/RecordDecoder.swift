internal import CivilTime
internal import DeltaProtocol
internal import Money

/// Turns a record's bytes into a transfer, a control record, or a reason why not.
///
/// Accepted shapes: the native object; a Debezium change event that carries it as `after`, with or
/// without the `schema`/`payload` wrapper; an outbox payload, as an object or as an escaped string.
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
    /// The state that counts, in a change event whose row has a `state`.
    static let settledState: StaticString = "settled"

    let transferKey: IDKey
    let correctionKey: IDKey
    /// `Currency.indexBySlot`, copied to where the hot path reads it without checks.
    let currencyBySlot: UnsafeMutablePointer<UInt16>
    /// The last minute that the compact form read: 16 bytes of text and what they mean. At first
    /// 1970-01-01T00:00, which is minute 0: a text must have been a time to be compared with.
    var minuteText: (UInt64, UInt64) = (0x2D31_302D_3037_3931, 0x3030_3A30_3054_3130)
    var minuteStart: Int64 = 0

    package init(key: IDKey) {
        transferKey = key
        correctionKey = key.forCorrections
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

    private func decodeDocument(
        _ bytes: UnsafeRawBufferPointer, into transfer: inout DecodedTransfer
    ) throws(RejectReason) -> DecodedRecord {
        var scanner = unsafe JSONScanner(bytes)
        let top = try scanner.document()
        switch top.kind {
        case .object:
            let fields = try unsafe RecordFields(object: top, of: bytes)
            return try unsafe interpret(fields, of: bytes, into: &transfer)
        case .string:
            return try unsafe decodeEmbedded(top, of: bytes, into: &transfer)
        default:
            throw .json
        }
    }

    /// A JSON document that travels as an escaped string, one level deep: a second string inside
    /// it is not a record.
    private func decodeEmbedded(
        _ text: JSONValue, of bytes: UnsafeRawBufferPointer, into transfer: inout DecodedTransfer
    ) throws(RejectReason) -> DecodedRecord {
        let inner = try unsafe text.unescaped(in: bytes)
        var answer: Result<DecodedRecord, RejectReason> = .failure(.json)
        unsafe inner.withUnsafeBytes { inner in
            answer = Result { () throws(RejectReason) in
                var scanner = unsafe JSONScanner(inner)
                let top = try scanner.document()
                guard top.kind == .object else { throw .json }
                let fields = try unsafe RecordFields(object: top, of: inner)
                return try unsafe interpretRow(fields, of: inner, into: &transfer)
            }
        }
        return try answer.get()
    }

    /// An object at the top: an envelope, or what an envelope carries.
    private func interpret(
        _ fields: RecordFields, of bytes: UnsafeRawBufferPointer,
        into transfer: inout DecodedTransfer
    ) throws(RejectReason) -> DecodedRecord {
        guard let payload = fields[.payload], fields[.transferID] == nil,
            unsafe controlType(of: fields, in: bytes) == nil
        else { return try unsafe interpretRow(fields, of: bytes, into: &transfer) }
        switch payload.kind {
        case .object:
            let inner = try unsafe RecordFields(object: payload, of: bytes)
            return try unsafe interpretRow(inner, of: bytes, into: &transfer)
        case .string:
            return try unsafe decodeEmbedded(payload, of: bytes, into: &transfer)
        case .null:
            return .ignored
        default:
            throw .type
        }
    }

    /// A change event, a control record or a transfer.
    private func interpretRow(
        _ fields: RecordFields, of bytes: UnsafeRawBufferPointer,
        into transfer: inout DecodedTransfer
    ) throws(RejectReason) -> DecodedRecord {
        if fields[.transferID] == nil, fields[.op] != nil || fields[.after] != nil {
            return try unsafe interpretChange(fields, of: bytes, into: &transfer)
        }
        switch unsafe controlType(of: fields, in: bytes) {
        case .correction: return try unsafe correction(fields, of: bytes)
        case .marker: return try unsafe marker(fields, of: bytes)
        case nil:
            try unsafe self.transfer(fields, of: bytes, into: &transfer)
            return .transfer
        }
    }

    private enum ControlType {
        case correction
        case marker
    }

    /// Which of the two control values `type` has; any other is a field to ignore.
    private func controlType(
        of fields: RecordFields, in bytes: UnsafeRawBufferPointer
    ) -> ControlType? {
        guard let type = fields[.type], type.kind == .string else { return nil }
        if unsafe type.equals("bucket_correction", in: bytes) { return .correction }
        if unsafe type.equals("ledger_marker", in: bytes) { return .marker }
        return nil
    }

    /// A change event settles something when its new row is settled and its old row was not.
    private func interpretChange(
        _ fields: RecordFields, of bytes: UnsafeRawBufferPointer,
        into transfer: inout DecodedTransfer
    ) throws(RejectReason) -> DecodedRecord {
        if let op = fields[.op] {
            guard op.kind == .string else { throw .type }
            if unsafe op.equals("d", in: bytes) { return .ignored }
        }
        guard let after = fields[.after], after.kind != .null else { return .ignored }
        guard after.kind == .object else { throw .type }
        let row = try unsafe RecordFields(object: after, of: bytes)
        if let state = row[.state] {
            guard state.kind == .string else { throw .type }
            guard unsafe state.equals(Self.settledState, in: bytes) else { return .ignored }
            if let before = fields[.before], before.kind == .object {
                let old = try unsafe RecordFields(object: before, of: bytes)
                if let state = old[.state], state.kind == .string,
                    unsafe state.equals(Self.settledState, in: bytes)
                {
                    return .ignored
                }
            }
        }
        try unsafe self.transfer(row, of: bytes, into: &transfer)
        return .transfer
    }

    private func transfer(
        _ fields: RecordFields, of bytes: UnsafeRawBufferPointer,
        into transfer: inout DecodedTransfer
    ) throws(RejectReason) {
        transfer.id = try unsafe identifier(fields[.transferID], of: bytes, key: transferKey)
        transfer.currency = try unsafe currency(fields[.currency], of: bytes)
        let amount = try unsafe integer(fields[.amount], of: bytes, otherwise: .amount)
        guard amount > 0 else { throw .amount }
        transfer.amount = amount
        transfer.settledAt = try unsafe time(fields[.settledAt], of: bytes)
    }

    private func correction(
        _ fields: RecordFields, of bytes: UnsafeRawBufferPointer
    ) throws(RejectReason) -> DecodedRecord {
        do {
            let id = try unsafe identifier(fields[.correctionID], of: bytes, key: correctionKey)
            let currency = try unsafe currency(fields[.currency], of: bytes)
            let minute = try unsafe integer(fields[.bucketMinute], of: bytes, otherwise: .control)
            let delta = try unsafe integer(fields[.delta], of: bytes, otherwise: .control)
            let before = try unsafe integer(
                fields[.correctionBefore], of: bytes, otherwise: .control)
            let issuedAt = try unsafe time(fields[.issuedAt], of: bytes)
            guard let minute = Int32(exactly: minute) else { throw RejectReason.control }
            return .correction(
                DecodedCorrection(
                    id: id, currency: currency, minute: Minute(minute), delta: delta,
                    before: before, issuedAt: issuedAt))
        } catch {
            throw .control
        }
    }

    private func marker(
        _ fields: RecordFields, of bytes: UnsafeRawBufferPointer
    ) throws(RejectReason) -> DecodedRecord {
        do {
            let lsn = try unsafe text(fields[.lsn], of: bytes)
            let system = try unsafe text(fields[.system], of: bytes)
            let timeline = try unsafe integer(fields[.timeline], of: bytes, otherwise: .control)
            let markedAt = try unsafe time(fields[.markedAt], of: bytes)
            guard let position = Self.logSequenceNumber(lsn),
                (1...Limits.ledgerSystemBytes).contains(system.utf8.count), timeline >= 0
            else { throw RejectReason.control }
            return .marker(
                LedgerMarker(
                    lsn: position, system: system, timeline: timeline, markedAt: markedAt))
        } catch {
            throw .control
        }
    }

    /// `X/Y` in hexadecimal, up to eight digits each, as Postgres writes a log position.
    static func logSequenceNumber(_ text: String) -> UInt64? {
        let parts = text.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ (1...8).contains($0.count) }),
            parts.allSatisfy({ $0.allSatisfy { $0 != 0x2B && $0 != 0x2D } }),
            let high = UInt64(Substring(parts[0]), radix: 16),
            let low = UInt64(Substring(parts[1]), radix: 16)
        else { return nil }
        return high << 32 | low
    }
}

extension RecordDecoder {
    private func identifier(
        _ value: JSONValue?, of bytes: UnsafeRawBufferPointer, key: IDKey
    ) throws(RejectReason) -> IDHash {
        guard let value else { throw .missing }
        guard value.kind == .string else { throw .type }
        if !value.isEscaped {
            let raw = unsafe value.content(in: bytes)
            guard Self.identifierBytes.contains(raw.count) else { throw .identifier }
            return unsafe IDHash(raw, key: key)
        }
        let decoded = try unsafe value.unescaped(in: bytes)
        guard Self.identifierBytes.contains(decoded.count) else { throw .identifier }
        return unsafe decoded.withUnsafeBytes { unsafe IDHash($0, key: key) }
    }

    private func currency(
        _ value: JSONValue?, of bytes: UnsafeRawBufferPointer
    ) throws(RejectReason) -> Currency {
        let code = try unsafe text(value, of: bytes)
        guard let currency = Currency(code: code) else { throw .currency }
        return currency
    }

    private func time(
        _ value: JSONValue?, of bytes: UnsafeRawBufferPointer
    ) throws(RejectReason) -> UnixTime {
        guard let value else { throw .missing }
        guard value.kind == .string else { throw .type }
        let time: UnixTime?
        if value.isEscaped {
            let decoded = try unsafe value.unescaped(in: bytes)
            time = unsafe decoded.withUnsafeBytes { unsafe RFC3339.parse($0) }
        } else {
            time = unsafe RFC3339.parse(value.content(in: bytes))
        }
        guard let time else { throw .time }
        return time
    }

    private func text(
        _ value: JSONValue?, of bytes: UnsafeRawBufferPointer
    ) throws(RejectReason) -> String {
        guard let value else { throw .missing }
        guard value.kind == .string else { throw .type }
        return String(decoding: try unsafe value.unescaped(in: bytes), as: UTF8.self)
    }

    /// An integer in JSON's grammar: no fraction, no exponent, no leading zero or plus.
    private func integer(
        _ value: JSONValue?, of bytes: UnsafeRawBufferPointer, otherwise reason: RejectReason
    ) throws(RejectReason) -> Int64 {
        guard let value else { throw .missing }
        guard value.kind == .number else { throw .type }
        let digits = unsafe value.content(in: bytes)
        let isNegative = unsafe digits[0] == 0x2D
        var result: Int64 = 0
        var at = isNegative ? 1 : 0
        while at < digits.count {
            let digit = unsafe digits[at] &- 0x30
            guard digit <= 9 else { throw reason }
            let (scaled, overflow) = result.multipliedReportingOverflow(by: 10)
            let step = isNegative ? -Int64(digit) : Int64(digit)
            let (sum, carried) = scaled.addingReportingOverflow(step)
            guard !overflow, !carried else { throw reason }
            result = sum
            at += 1
        }
        return result
    }
}
