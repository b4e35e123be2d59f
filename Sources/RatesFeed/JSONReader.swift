/// Reads JSON (RFC 8259) strictly: UTF-8, with or without a byte order mark, nothing after the
/// value, and limits on depth and size, so that a hostile document costs no more than a large one.
/// A key that an object repeats with a different value reads as null.
struct JSONReader {
    /// Nested arrays and objects. Documents of rates have three.
    static let maximumDepth = 8
    /// Values of all kinds. Documents of rates have up to about 3,000.
    static let maximumValues = 50_000
    /// Bytes of a number's text; no rate is longer.
    static let maximumNumberBytes = 64

    private let bytes: [UInt8]
    private var at = 0
    private var values = 0

    static func read(_ bytes: [UInt8]) throws(RatesDocumentError) -> JSONValue {
        var reader = JSONReader(bytes: bytes)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { reader.at = 3 }
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.at == bytes.count else { throw invalid("nothing after the value") }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private static func invalid(_ expected: String) -> RatesDocumentError {
        RatesDocumentError("JSON: expected \(expected)")
    }

    private var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let byte, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { at += 1 }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard byte == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    private mutating func value(depth: Int) throws(RatesDocumentError) -> JSONValue {
        values += 1
        guard depth <= Self.maximumDepth, values <= Self.maximumValues else {
            throw Self.invalid(
                "at most \(Self.maximumDepth) levels and \(Self.maximumValues) values")
        }
        skipSpace()
        switch byte {
        case UInt8(ascii: "{"): return .object(try members(depth: depth))
        case UInt8(ascii: "["): return .array(try elements(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case let first? where first == UInt8(ascii: "-") || (0x30...0x39).contains(first):
            return .number(try number())
        default:
            for (word, value) in [
                ("true", JSONValue.boolean(true)), ("false", .boolean(false)), ("null", .null),
            ] where bytes[at...].starts(with: word.utf8) {
                at += word.utf8.count
                return value
            }
            throw Self.invalid("a value")
        }
    }

    private mutating func members(
        depth: Int
    ) throws(RatesDocumentError) -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        at += 1
        skipSpace()
        if skip("}") { return members }
        repeat {
            skipSpace()
            guard byte == UInt8(ascii: "\"") else { throw Self.invalid("a key") }
            let key = try string()
            skipSpace()
            guard skip(":") else { throw Self.invalid("a colon after a key") }
            let value = try value(depth: depth + 1)
            if let other = members.updateValue(value, forKey: key), other != value {
                members[key] = .null
            }
            skipSpace()
        } while skip(",")
        guard skip("}") else { throw Self.invalid("the end of an object") }
        return members
    }

    private mutating func elements(depth: Int) throws(RatesDocumentError) -> [JSONValue] {
        var elements: [JSONValue] = []
        at += 1
        skipSpace()
        if skip("]") { return elements }
        repeat {
            elements.append(try value(depth: depth + 1))
            skipSpace()
        } while skip(",")
        guard skip("]") else { throw Self.invalid("the end of an array") }
        return elements
    }

    private mutating func number() throws(RatesDocumentError) -> String {
        let start = at
        _ = skip("-")
        // No leading zero before another digit.
        if !skip("0") { try digits() }
        if skip(".") { try digits() }
        if skip("e") || skip("E") {
            if !skip("+") { _ = skip("-") }
            try digits()
        }
        guard at - start <= Self.maximumNumberBytes else { throw Self.invalid("a short number") }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    private mutating func digits() throws(RatesDocumentError) {
        let start = at
        while let byte, (0x30...0x39).contains(byte) { at += 1 }
        guard at > start else { throw Self.invalid("a digit") }
    }

    private mutating func string() throws(RatesDocumentError) -> String {
        at += 1
        var text: [UInt8] = []
        while let byte, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw Self.invalid("no control character in a string") }
            at += 1
            if byte == UInt8(ascii: "\\") {
                text += Array(String(try escape()).utf8)
            } else {
                text.append(byte)
            }
        }
        guard skip("\"") else { throw Self.invalid("the end of a string") }
        guard let string = String(validating: text, as: UTF8.self) else {
            throw Self.invalid("UTF-8")
        }
        return string
    }

    /// The character for the escape after a backslash.
    private mutating func escape() throws(RatesDocumentError) -> Character {
        guard let byte else { throw Self.invalid("the end of a string") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return Character(Unicode.Scalar(byte))
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var unit = try hexadecimal()
            if (0xD800...0xDBFF).contains(unit) {
                guard skip("\\"), skip("u"), case let low = try hexadecimal(),
                    (0xDC00...0xDFFF).contains(low)
                else { throw Self.invalid("both halves of a surrogate pair") }
                unit = 0x1_0000 + (unit - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(unit) else {
                throw Self.invalid("both halves of a surrogate pair")
            }
            return Character(scalar)
        default: throw Self.invalid("a JSON escape")
        }
    }

    private mutating func hexadecimal() throws(RatesDocumentError) -> UInt32 {
        guard bytes.count - at >= 4,
            bytes[at..<at + 4].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let value = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
        else { throw Self.invalid("four hexadecimal digits") }
        at += 4
        return value
    }
}
