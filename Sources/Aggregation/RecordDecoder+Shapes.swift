/// The wrappers that a record may have, and which rows settle a transfer.
extension RecordDecoder {
    /// How many wrappers and strings may enclose a record.
    static let maximumWrappings = 4

    /// Decodes all of `bytes` as one record.
    func decodeDocument(
        _ bytes: UnsafeRawBufferPointer, into transfer: inout DecodedTransfer
    ) throws(RejectReason) -> DecodedRecord {
        var scanner = unsafe JSONScanner(bytes)
        let top = try scanner.document()
        return try unsafe interpret(top, of: bytes, in: Wrapping(), into: &transfer)
    }

    /// What encloses a value.
    private struct Wrapping {
        var depth = 0
        /// True if a string holds the value and nothing else.
        var isText = false

        /// The wrapping of a value one level further in.
        func further(asText isText: Bool) throws(RejectReason) -> Wrapping {
            guard depth < RecordDecoder.maximumWrappings else { throw .json }
            return Wrapping(depth: depth + 1, isText: isText)
        }
    }

    /// Interprets a value that is a record, a wrapper of one, or a string that holds either.
    private func interpret(
        _ value: JSONSpan, of bytes: UnsafeRawBufferPointer, in wrapping: Wrapping,
        into transfer: inout DecodedTransfer
    ) throws(RejectReason) -> DecodedRecord {
        switch value.kind {
        case .object:
            let fields = try unsafe RecordFields(object: value, of: bytes)
            guard let payload = fields[.payload], fields[.transferID] == nil,
                unsafe controlType(of: fields, in: bytes) == nil
            else { return try unsafe interpret(fields, of: bytes, into: &transfer) }
            return try unsafe interpret(
                payload, of: bytes, in: wrapping.further(asText: false), into: &transfer)
        case .string:
            // A string that holds only another string was escaped once too often.
            guard !wrapping.isText else { throw .json }
            return try unsafe interpretText(
                value, of: bytes, in: wrapping.further(asText: true), into: &transfer)
        case .null:
            // A tombstone written as text.
            return .ignored
        case .array, .number, .boolean:
            let reason: RejectReason = wrapping.depth == 0 || wrapping.isText ? .json : .type
            throw reason
        }
    }

    /// Interprets a JSON document that is encoded as an escaped string.
    private func interpretText(
        _ text: JSONSpan, of bytes: UnsafeRawBufferPointer, in wrapping: Wrapping,
        into transfer: inout DecodedTransfer
    ) throws(RejectReason) -> DecodedRecord {
        let inner = try unsafe text.unescaped(in: bytes)
        var answer: Result<DecodedRecord, RejectReason> = .failure(.json)
        unsafe inner.withUnsafeBytes { inner in
            answer = Result { () throws(RejectReason) in
                var scanner = unsafe JSONScanner(inner)
                let top = try scanner.document()
                return try unsafe interpret(top, of: inner, in: wrapping, into: &transfer)
            }
        }
        return try answer.get()
    }

    /// Interprets a control record, a change event, or a row.
    private func interpret(
        _ fields: RecordFields, of bytes: UnsafeRawBufferPointer,
        into transfer: inout DecodedTransfer
    ) throws(RejectReason) -> DecodedRecord {
        switch unsafe controlType(of: fields, in: bytes) {
        case .correction: return try unsafe correction(fields, of: bytes)
        case .marker: return try unsafe marker(fields, of: bytes)
        case nil: break
        }
        if fields[.transferID] == nil, fields[.op] != nil || fields[.after] != nil {
            return try unsafe interpretChange(fields, of: bytes, into: &transfer)
        }
        guard try unsafe settles(fields, of: bytes) else { return .ignored }
        try unsafe self.transfer(fields, of: bytes, into: &transfer)
        return .transfer
    }

    /// A change event settles a transfer if its new row is settled and its old row does not say
    /// that it already was.
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
        guard try unsafe settles(row, of: bytes) else { return .ignored }
        if let before = fields[.before], before.kind == .object {
            let old = try unsafe RecordFields(object: before, of: bytes)
            if unsafe saysSettled(old, in: bytes) { return .ignored }
        }
        try unsafe self.transfer(row, of: bytes, into: &transfer)
        return .transfer
    }
}

/// The state and delete marks of a row.
extension RecordDecoder {
    /// True unless the row is deleted or has a state that does not mean settled. A row without a
    /// state is settled.
    private func settles(
        _ row: RecordFields, of bytes: UnsafeRawBufferPointer
    ) throws(RejectReason) -> Bool {
        if try unsafe isDeleted(row, in: bytes) { return false }
        guard let state = Self.state(of: row) else { return true }
        switch state.kind {
        case .string: return unsafe meansSettled(state, in: bytes)
        case .null: return false
        default: throw .type
        }
    }

    /// True if the row has a state and it means settled.
    private func saysSettled(_ row: RecordFields, in bytes: UnsafeRawBufferPointer) -> Bool {
        guard let state = Self.state(of: row), state.kind == .string else { return false }
        return unsafe meansSettled(state, in: bytes)
    }

    /// `state`, or `status` if a row has no `state`.
    private static func state(of row: RecordFields) -> JSONSpan? { row[.state] ?? row[.status] }

    private func meansSettled(_ state: JSONSpan, in bytes: UnsafeRawBufferPointer) -> Bool {
        settledWords.contains { word in
            unsafe word.withUnsafeBytes { unsafe state.equals($0, in: bytes) }
        }
    }

    /// True if Debezium's flattening marked the row as deleted: `__op`, or `__deleted` as text or
    /// flag.
    private func isDeleted(
        _ row: RecordFields, in bytes: UnsafeRawBufferPointer
    ) throws(RejectReason) -> Bool {
        if let op = row[.flattenedOp], op.kind != .null {
            guard op.kind == .string else { throw .type }
            if unsafe op.equals("d", in: bytes) { return true }
        }
        guard let mark = row[.flattenedDeleted], mark.kind != .null else { return false }
        guard mark.kind == .string || mark.kind == .boolean else { throw .type }
        if unsafe mark.equals("true", in: bytes) { return true }
        guard unsafe mark.equals("false", in: bytes) else { throw .type }
        return false
    }
}
