/// A kind of bad record.
package enum Malformation: Sendable, Hashable, CaseIterable {
    /// Words instead of JSON.
    case notJSON
    /// The value ends in the middle of a field.
    case cutShort
    /// A second value after the object.
    case trailingBytes
    /// A JSON array instead of an object.
    case notAnObject
    /// A byte in the id that never occurs in UTF-8.
    case invalidUTF8
    /// One of the four fields is missing.
    case missingField
    /// One of the four fields has a value of another JSON type.
    case wrongType
    /// 12.5, 1e3 or a number in quotes.
    case amountNotAnInteger
    /// 0 or less.
    case amountNotPositive
    /// 2^63.
    case amountTooLarge
    /// Not an ISO 4217 code, or in lower case.
    case unknownCurrency
    /// An id of 0 or 129 bytes.
    case badIdLength
    /// A field that occurs twice.
    case duplicateField
    /// A time without zone, at 24:00, or on the 30th of February.
    case badTime
    /// A value over 64 KiB.
    case oversize
    /// Well-formed, but settled an hour after its record's time; rejected only if record times are
    /// known.
    case future
}

extension Malformation {
    /// The four members of a transfer, as JSON text.
    struct Members {
        var id: String
        var currency: String
        var amount: String
        var settledAt: String

        var all: [String] { [id, currency, amount, settledAt] }
    }

    /// Appends a bad record; `detail` selects among its variants.
    func append(_ sound: Members, detail: Int, to bytes: inout [UInt8]) {
        var members = sound.all
        switch self {
        case .notJSON: bytes.append(contentsOf: "settled, thank you".utf8)
        case .cutShort:
            let whole = Array(Self.object(members).utf8)
            bytes.append(contentsOf: whole[..<(whole.count - 3 - detail % 40)])
        case .trailingBytes: bytes.append(contentsOf: (Self.object(members) + "{}").utf8)
        case .notAnObject: bytes.append(contentsOf: "[\(Self.object(members))]".utf8)
        case .invalidUTF8:
            bytes.append(contentsOf: #"{"transfer_id":"tx_"#.utf8)
            bytes.append(contentsOf: detail % 2 == 0 ? [0xC3, 0x28] : [0xF0, 0x9F, 0x92])
            members[0] = #""note":"as above""#
            bytes.append(contentsOf: (#"","# + members.joined(separator: ",") + "}").utf8)
        case .oversize:
            bytes.append(contentsOf: #"{"note":""#.utf8)
            bytes.append(contentsOf: repeatElement(0x2E, count: Self.oversizeBytes))
            bytes.append(contentsOf: (#"","# + members.joined(separator: ",") + "}").utf8)
        case .future: bytes.append(contentsOf: Self.object(members).utf8)
        default:
            change(&members, detail: detail)
            bytes.append(contentsOf: Self.object(members).utf8)
        }
    }

    /// Applies the malformations that change one member.
    private func change(_ members: inout [String], detail: Int) {
        func pick(_ variants: [String]) -> String { variants[detail % variants.count] }
        switch self {
        case .missingField: members.remove(at: detail % 4)
        case .wrongType:
            members[detail % 4] =
                [
                    #""transfer_id":987654321"#, #""currency":null"#,
                    #""amount_minor_units":[10000]"#, #""settled_at_utc":1774445101"#,
                ][detail % 4]
        case .amountNotAnInteger:
            members[2] = #""amount_minor_units":"# + pick(["12.5", "1e3", #""12""#, "012"])
        case .amountNotPositive:
            members[2] = #""amount_minor_units":"# + pick(["0", "-1", "-9223372036854775808"])
        case .amountTooLarge:
            members[2] =
                #""amount_minor_units":"# + pick(["9223372036854775808", "99999999999999999999"])
        case .unknownCurrency:
            members[1] = #""currency":"# + pick([#""ZZQ""#, #""usd""#, #""US""#, #""EURO""#])
        case .badIdLength:
            let id = String(repeating: "i", count: detail % 2 == 0 ? 0 : 129)
            members[0] = #""transfer_id":""# + id + #"""#
        case .duplicateField: members.append(members[detail % 4])
        case .badTime:
            members[3] =
                #""settled_at_utc":"#
                + pick([
                    #""2026-03-25T13:25:01""#, #""2026-03-25T24:00:00Z""#,
                    #""2026-02-30T13:25:01Z""#, #""2026-03-25 13:25:01Z""#,
                    #""2026-03-25T13:25:60Z""#, #""""#,
                ])
        case .notJSON, .cutShort, .trailingBytes, .notAnObject, .invalidUTF8, .oversize, .future:
            break
        }
    }

    private static func object(_ members: [String]) -> String {
        "{" + members.joined(separator: ",") + "}"
    }

    /// One byte more than a record may have, without its other members.
    private static let oversizeBytes = 65_537
}
