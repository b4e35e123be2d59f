import CivilTime
import DeltaProtocol
import Money

/// The record of a correction, as the fold reads it.
enum CorrectionRecord {
    /// A JSON object on one line.
    static func bytes(id: String, _ correction: BucketCorrection) -> [UInt8] {
        var text = #"{"type":"bucket_correction","correction_id":"#
        append(id, to: &text)
        text += #","currency":"\#(correction.currency.code)""#
        text += #","bucket_timestamp_min":\#(correction.minute.number)"#
        text += #","delta_to_apply":\#(correction.delta)"#
        text += #","correction_before":\#(correction.before)"#
        text += #","reason":"#
        append(correction.reason, to: &text)
        text += #","requested_by":"#
        append(correction.requestedBy, to: &text)
        text += #","issued_at_utc":"\#(RFC3339.format(correction.issuedAt))"}"#
        return Array(text.utf8)
    }

    /// A JSON string (RFC 8259, section 7).
    private static func append(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case "\u{0}"..<" ":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
