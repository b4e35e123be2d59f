import Aggregation
import CivilTime
import DeltaProtocol
import Hashing
import Money

/// Record values and folds for the tests of this module.
enum Records {
    static let settings = FoldSettings(idKey: IDKey(low: 7, high: 11))
    /// 2026-03-25T13:25:00Z.
    static let noon = UnixTime(seconds: 1_774_445_100)

    static func transfer(
        _ id: String, _ amount: String = "100", currency: String = "EUR",
        at time: UnixTime = noon
    ) -> String {
        #"{"transfer_id":"\#(id)","currency":"\#(currency)","amount_minor_units":\#(amount),"#
            + #""settled_at_utc":"\#(RFC3339.format(time))"}"#
    }

    static func correction(
        _ id: String, minute: Minute, delta: Int64, before: Int64, currency: String = "EUR"
    ) -> String {
        #"{"type":"bucket_correction","correction_id":"\#(id)","currency":"\#(currency)","#
            + #""bucket_timestamp_min":\#(minute.number),"delta_to_apply":\#(delta),"#
            + #""correction_before":\#(before),"reason":"r","requested_by":"a","#
            + #""issued_at_utc":"2026-03-25T13:25:00Z"}"#
    }

    static func marker(lsn: String, at time: UnixTime, system: String = "73") -> String {
        #"{"type":"ledger_marker","lsn":"\#(lsn)","system":"\#(system)","timeline":1,"#
            + #""marked_at_utc":"\#(RFC3339.format(time))"}"#
    }

    static func euro(_ minute: Minute, in fold: borrowing ShardFold) -> BucketValue {
        fold.value(minute: minute, currency: Currency(code: "EUR") ?? Currency.all[0])
    }
}

/// One record to fold.
struct Entry {
    var value: [UInt8]?
    var timestamp: Int64
    var offset: Int64?

    init(_ text: String, at time: UnixTime = Records.noon, offset: Int64? = nil) {
        self.init(Array(text.utf8), timestamp: time.milliseconds, offset: offset)
    }

    init(_ value: [UInt8]?, timestamp: Int64, offset: Int64? = nil) {
        self.value = value
        self.timestamp = timestamp
        self.offset = offset
    }
}

extension ShardFold {
    /// Folds `entries` at the offsets that follow the coverage, or at their own.
    @discardableResult
    mutating func fold(_ entries: [Entry]) -> [Diversion] {
        var diversions: [Diversion] = []
        let bytes = entries.flatMap { $0.value ?? [] }
        var next = coverage
        bytes.withUnsafeBytes { all in
            var start = 0
            let records = entries.map { entry in
                let end = start + (entry.value?.count ?? 0)
                let offset = entry.offset ?? next
                next = offset + 1
                defer { start = end }
                return LogRecord(
                    offset: offset, timestamp: entry.timestamp,
                    value: entry.value == nil
                        ? nil : UnsafeRawBufferPointer(rebasing: all[start..<end]))
            }
            records.withUnsafeBufferPointer { fold($0, into: &diversions) }
        }
        return diversions
    }

    @discardableResult
    mutating func fold(_ text: String, at time: UnixTime = Records.noon) -> [Diversion] {
        fold([Entry(text, at: time)])
    }
}
