/// Why a record was rejected. The names are the `reason` of counters and of dead-letter headers.
package enum RejectReason: UInt8, Error, CaseIterable, Sendable {
    /// Not JSON, not an object where one is required, or nested too deep.
    case json
    /// Bytes or escapes that are not Unicode.
    case utf8
    /// More than `RecordDecoder.maximumBytes`.
    case size
    /// A required field is missing.
    case missing
    /// A field has the wrong JSON type.
    case type
    /// A known field occurs twice.
    case duplicateKey
    /// `transfer_id` or `correction_id` not 1 to 128 bytes.
    case identifier
    /// Not in the built-in ISO 4217 table, lower case included.
    case currency
    /// Not an integer from 1 to `RecordDecoder.maximumAmount`.
    case amount
    /// Not RFC 3339 with the restrictions of the contract.
    case time
    /// The record carries no timestamp, or one outside the years 2000 to 2200.
    case timestamp
    /// Settled more than 5 minutes after the record's timestamp.
    case future
    /// A bucket's sum would leave its bounds.
    case overflow
    /// Digits below the currency's minor unit, under an exponent override.
    case precision
    /// A control record with another invalid field.
    case control

    /// The name in metrics, headers and reports.
    package var name: String {
        switch self {
        case .json: "json"
        case .utf8: "utf8"
        case .size: "size"
        case .missing: "missing"
        case .type: "type"
        case .duplicateKey: "duplicate_key"
        case .identifier: "identifier"
        case .currency: "currency"
        case .amount: "amount"
        case .time: "time"
        case .timestamp: "timestamp"
        case .future: "future"
        case .overflow: "overflow"
        case .precision: "precision"
        case .control: "control"
        }
    }
}

/// The outcome of a record that changes no settled sum.
package enum ControlOutcome: UInt8, CaseIterable, Sendable {
    /// The fold took a ledger marker.
    case marker
    /// The fold added a correction to its bucket.
    case applied
    /// A correction whose `correction_before` differs from the bucket's present correction, or
    /// whose stamp is too long after it was issued.
    case void
    /// A correction of a minute more than 25 h before its stamp.
    case late
    /// A marker or correction more than 5 minutes ahead.
    case future
    /// A correction id seen before.
    case duplicate
    /// A tombstone, a delete, or a row that settles nothing.
    case ignored
}
