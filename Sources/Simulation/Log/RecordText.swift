import CivilTime

/// Writes records like producers do.
struct RecordText {
    var bytes: [UInt8]

    mutating func write(_ text: StaticString) {
        text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
    }

    mutating func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func write(_ number: Int64) {
        if number < 0 { bytes.append(0x2D) }
        write(magnitude: number.magnitude)
    }

    private mutating func write(magnitude: UInt64) {
        if magnitude >= 10 { write(magnitude: magnitude / 10) }
        bytes.append(0x30 + UInt8(magnitude % 10))
    }

    private mutating func write(_ number: Int, digits: Int) {
        var scale = 1
        for _ in 1..<digits { scale *= 10 }
        while scale > 0 {
            bytes.append(0x30 + UInt8(number / scale % 10))
            scale /= 10
        }
    }

    /// RFC 3339 in UTC, with milliseconds only if they are not 0.
    mutating func write(time milliseconds: Int64) {
        let day = milliseconds / 86_400_000 - (milliseconds % 86_400_000 < 0 ? 1 : 0)
        let rest = Int(milliseconds - day * 86_400_000)
        let date = CivilDate(daysSinceEpoch: Int(day))
        write(date.year, digits: 4)
        bytes.append(0x2D)
        write(date.month, digits: 2)
        bytes.append(0x2D)
        write(date.day, digits: 2)
        bytes.append(0x54)
        write(rest / 3_600_000, digits: 2)
        bytes.append(0x3A)
        write(rest / 60_000 % 60, digits: 2)
        bytes.append(0x3A)
        write(rest / 1_000 % 60, digits: 2)
        if rest % 1_000 > 0 {
            bytes.append(0x2E)
            write(rest % 1_000, digits: 3)
        }
        bytes.append(0x5A)
    }

    /// The native object. The id is a letter and a number: `t17`.
    mutating func write(transfer id: Int, code: String, amount: Int64, settledAt: Int64) {
        write(#"{"transfer_id":"t"#)
        write(Int64(id))
        write(#"","currency":""#)
        write(code)
        write(#"","amount_minor_units":"#)
        write(amount)
        write(#","settled_at_utc":""#)
        write(time: settledAt)
        write(#""}"#)
    }

    mutating func write(correction: CorrectionMeaning, code: String) {
        write(#"{"type":"bucket_correction","correction_id":"c"#)
        write(Int64(correction.id))
        write(#"","currency":""#)
        write(code)
        write(#"","bucket_timestamp_min":"#)
        write(Int64(correction.minute))
        write(#","delta_to_apply":"#)
        write(correction.delta)
        write(#","correction_before":"#)
        write(correction.before)
        write(#","reason":"drift","requested_by":"auditor","issued_at_utc":""#)
        write(time: correction.issuedAt)
        write(#""}"#)
    }

    mutating func write(marker position: UInt32, markedAt: Int64) {
        write(#"{"type":"ledger_marker","lsn":"0/"#)
        write(String(position, radix: 16, uppercase: true))
        write(#"","system":"7301","timeline":1,"marked_at_utc":""#)
        write(time: markedAt)
        write(#""}"#)
    }
}
