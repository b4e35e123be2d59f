import CivilTime
import DeltaProtocol

/// Corrections and ledger markers. Any error in one of them has the reason `control`.
extension RecordDecoder {
    enum ControlType {
        case correction
        case marker
    }

    /// Which of the two control values `type` has; nil for any other value, which is ignored.
    func controlType(
        of fields: RecordFields, in bytes: UnsafeRawBufferPointer
    ) -> ControlType? {
        guard let type = fields[.type], type.kind == .string else { return nil }
        if unsafe type.equals("bucket_correction", in: bytes) { return .correction }
        if unsafe type.equals("ledger_marker", in: bytes) { return .marker }
        return nil
    }

    func correction(
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

    func marker(
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

    /// `X/Y` in hexadecimal, up to eight digits each: Postgres's notation of a log position.
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
