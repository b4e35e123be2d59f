/// A field that some record shape uses. Other fields are skipped after a JSON check of their
/// values.
enum RecordField: Int, CaseIterable {
    case transferID
    case currency
    case amount
    case settledAt
    case type
    case payload
    case schema
    case before
    case after
    case op
    case state
    case status
    case flattenedOp
    case flattenedDeleted
    case correctionID
    case bucketMinute
    case delta
    case correctionBefore
    case lsn
    case system
    case timeline
    case markedAt
    case issuedAt

    var key: StaticString {
        switch self {
        case .transferID: "transfer_id"
        case .currency: "currency"
        case .amount: "amount_minor_units"
        case .settledAt: "settled_at_utc"
        case .type: "type"
        case .payload: "payload"
        case .schema: "schema"
        case .before: "before"
        case .after: "after"
        case .op: "op"
        case .state: "state"
        case .status: "status"
        case .flattenedOp: "__op"
        case .flattenedDeleted: "__deleted"
        case .correctionID: "correction_id"
        case .bucketMinute: "bucket_timestamp_min"
        case .delta: "delta_to_apply"
        case .correctionBefore: "correction_before"
        case .lsn: "lsn"
        case .system: "system"
        case .timeline: "timeline"
        case .markedAt: "marked_at_utc"
        case .issuedAt: "issued_at_utc"
        }
    }
}

/// The known fields of one object. A known field that occurs twice is an error, because JSON does
/// not say which one counts.
struct RecordFields {
    private var values = [JSONSpan?](repeating: nil, count: RecordField.allCases.count)

    subscript(field: RecordField) -> JSONSpan? { values[field.rawValue] }

    /// Reads the members of `object`, which the scanner must have checked.
    init(object: JSONSpan, of bytes: UnsafeRawBufferPointer) throws(RejectReason) {
        var scanner = unsafe JSONScanner(bytes, at: object.start)
        try scanner.members { (key: JSONSpan, value: JSONSpan) throws(RejectReason) in
            guard let field = try unsafe Self.field(key, of: bytes) else { return }
            guard values[field.rawValue] == nil else { throw .duplicateKey }
            values[field.rawValue] = value
        }
    }

    private static func field(
        _ key: JSONSpan, of bytes: UnsafeRawBufferPointer
    ) throws(RejectReason) -> RecordField? {
        for field in RecordField.allCases where unsafe key.equals(field.key, in: bytes) {
            return field
        }
        return nil
    }
}
