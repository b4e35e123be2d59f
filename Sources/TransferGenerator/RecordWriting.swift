internal import CivilTime
internal import Money

/// A `transfer_id`: a prefix and nine digits.
struct RecordIdentifier {
    var prefix: [UInt8]
    var digits: Int
}

extension [UInt8] {
    mutating func append(_ identifier: RecordIdentifier) {
        append(contentsOf: identifier.prefix)
        append(decimal: identifier.digits, width: 9)
    }
}

/// The content of one record.
struct RecordContent {
    var id: RecordIdentifier
    var currencyLetters: (UInt8, UInt8, UInt8)
    var amount: Int64
    var settledAt: UnixTime
    var recordTime: UnixTime

    /// Appends the record in `shape`.
    func append(as shape: GeneratedEvent.Shape, to bytes: inout [UInt8]) {
        switch shape {
        case .plain: appendObject(to: &bytes)
        case .envelope: appendEnvelope(to: &bytes)
        case .envelopeWithSchema:
            bytes.append(
                ascii: #"{"schema":{"type":"struct","optional":false,"name":"transfers.Envelope"}"#)
            bytes.append(ascii: #","payload":"#)
            appendEnvelope(to: &bytes)
            bytes.append(0x7D)
        case .outboxString:
            var object: [UInt8] = []
            appendObject(to: &object)
            bytes.append(0x22)
            for byte in object {
                if byte == 0x22 { bytes.append(0x5C) }
                bytes.append(byte)
            }
            bytes.append(0x22)
        }
    }

    private func appendObject(to bytes: inout [UInt8]) {
        bytes.append(ascii: #"{"transfer_id":""#)
        bytes.append(id)
        bytes.append(ascii: #"","currency":""#)
        bytes.append(currencyLetters.0)
        bytes.append(currencyLetters.1)
        bytes.append(currencyLetters.2)
        bytes.append(ascii: #"","amount_minor_units":"#)
        bytes.append(decimal: amount)
        bytes.append(ascii: #","settled_at_utc":""#)
        bytes.append(settledAt)
        bytes.append(ascii: #""}"#)
    }

    private func appendEnvelope(to bytes: inout [UInt8]) {
        bytes.append(ascii: #"{"before":null,"after":"#)
        appendObject(to: &bytes)
        bytes.append(ascii: #","source":{"connector":"postgresql","db":"ledger","schema":"public""#)
        bytes.append(ascii: #","table":"settled_transfers"},"op":"c","ts_ms":"#)
        bytes.append(decimal: recordTime.milliseconds)
        bytes.append(0x7D)
    }

    /// The members as text, for malformations that change one of them.
    var members: Malformation.Members {
        let currency = String(
            decoding: [currencyLetters.0, currencyLetters.1, currencyLetters.2], as: UTF8.self)
        var idBytes: [UInt8] = []
        idBytes.append(id)
        return Malformation.Members(
            id: #""transfer_id":""# + String(decoding: idBytes, as: UTF8.self) + #"""#,
            currency: #""currency":""# + currency + #"""#,
            amount: #""amount_minor_units":"# + String(amount),
            settledAt: #""settled_at_utc":""# + RFC3339.format(settledAt) + #"""#)
    }
}
