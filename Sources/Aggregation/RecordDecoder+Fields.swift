import CivilTime
import Money

/// Reads single fields of a record, each by its rule.
extension RecordDecoder {
    func transfer(
        _ fields: RecordFields, of bytes: UnsafeRawBufferPointer,
        into transfer: inout DecodedTransfer
    ) throws(RejectReason) {
        transfer.id = try unsafe identifier(fields[.transferID], of: bytes, key: transferKey)
        transfer.currency = try unsafe currency(fields[.currency], of: bytes)
        let amount = try unsafe integer(fields[.amount], of: bytes, otherwise: .amount)
        guard amount > 0, amount <= Self.maximumAmount else { throw .amount }
        transfer.amount = amount
        transfer.settledAt = try unsafe time(fields[.settledAt], of: bytes)
    }

    func identifier(
        _ value: JSONSpan?, of bytes: UnsafeRawBufferPointer, key: IDKey
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

    func currency(
        _ value: JSONSpan?, of bytes: UnsafeRawBufferPointer
    ) throws(RejectReason) -> Currency {
        let code = try unsafe text(value, of: bytes)
        guard let currency = Currency(code: code) else { throw .currency }
        return currency
    }

    func time(
        _ value: JSONSpan?, of bytes: UnsafeRawBufferPointer
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

    func text(
        _ value: JSONSpan?, of bytes: UnsafeRawBufferPointer
    ) throws(RejectReason) -> String {
        guard let value else { throw .missing }
        guard value.kind == .string else { throw .type }
        return String(decoding: try unsafe value.unescaped(in: bytes), as: UTF8.self)
    }

    /// An integer in JSON's grammar: no fraction, no exponent, no leading zero or plus.
    func integer(
        _ value: JSONSpan?, of bytes: UnsafeRawBufferPointer, otherwise reason: RejectReason
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
