/// A strict scanner of JSON text (RFC 8259) that locates values without building them.
///
/// It accepts exactly JSON in valid UTF-8, no byte-order mark, nested at most `maximumDepth` deep.
@safe
struct JSONScanner {
    /// Maximum nesting of arrays and objects; bounds the scan's recursion.
    static let maximumDepth = 32

    private let bytes: UnsafeRawBufferPointer
    private let count: Int
    private var at: Int

    init(_ bytes: UnsafeRawBufferPointer, at start: Int = 0) {
        unsafe self.bytes = bytes
        count = bytes.count
        at = start
    }

    /// Scans the text's only value, which white space may surround.
    mutating func document() throws(RejectReason) -> JSONSpan {
        skipSpace()
        let value = try value(depth: 0)
        skipSpace()
        guard at == count else { throw .json }
        return value
    }

    /// Calls `body` for each member of the object that starts at the current position.
    mutating func members(
        depth: Int = 0,
        _ body: (_ key: JSONSpan, _ value: JSONSpan) throws(RejectReason) -> Void
    ) throws(RejectReason) {
        at += 1
        skipSpace()
        if take(0x7D) { return }
        while true {
            guard peek == 0x22 else { throw .json }
            let key = try string()
            skipSpace()
            guard take(0x3A) else { throw .json }
            skipSpace()
            let member = try value(depth: depth + 1)
            try body(key, member)
            skipSpace()
            if take(0x7D) { return }
            guard take(0x2C) else { throw .json }
            skipSpace()
        }
    }

    /// The current byte; past the end 0, which valid JSON never holds outside a string.
    private var peek: UInt8 { at < count ? unsafe bytes[at] : 0 }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        at += 1
        return true
    }

    private mutating func skipSpace() {
        while true {
            switch peek {
            case 0x20, 0x0A, 0x0D, 0x09: at += 1
            default: return
            }
        }
    }

    private mutating func value(depth: Int) throws(RejectReason) -> JSONSpan {
        guard depth <= Self.maximumDepth else { throw .json }
        let start = at
        switch peek {
        case 0x7B:
            try members(depth: depth) { _, _ in }
            return JSONSpan(kind: .object, start: start, end: at)
        case 0x5B:
            try elements(depth: depth)
            return JSONSpan(kind: .array, start: start, end: at)
        case 0x22:
            return try string()
        case 0x74:
            try literal("true")
            return JSONSpan(kind: .boolean, start: start, end: at)
        case 0x66:
            try literal("false")
            return JSONSpan(kind: .boolean, start: start, end: at)
        case 0x6E:
            try literal("null")
            return JSONSpan(kind: .null, start: start, end: at)
        default:
            try number()
            return JSONSpan(kind: .number, start: start, end: at)
        }
    }

    private mutating func elements(depth: Int) throws(RejectReason) {
        at += 1
        skipSpace()
        if take(0x5D) { return }
        while true {
            _ = try value(depth: depth + 1)
            skipSpace()
            if take(0x5D) { return }
            guard take(0x2C) else { throw .json }
            skipSpace()
        }
    }

    private mutating func literal(_ text: StaticString) throws(RejectReason) {
        for index in 0..<text.utf8CodeUnitCount {
            guard take(unsafe text.utf8Start[index]) else { throw .json }
        }
    }

    private mutating func number() throws(RejectReason) {
        _ = take(0x2D)
        if !take(0x30) { try digits() }
        if take(0x2E) { try digits() }
        if take(0x65) || take(0x45) {
            if !take(0x2B) { _ = take(0x2D) }
            try digits()
        }
    }

    /// Skips one or more digits.
    private mutating func digits() throws(RejectReason) {
        guard peek &- 0x30 <= 9 else { throw .json }
        while peek &- 0x30 <= 9 { at += 1 }
    }

    private mutating func string() throws(RejectReason) -> JSONSpan {
        at += 1
        let start = at
        var isEscaped = false
        while at < count {
            let byte = unsafe bytes[at]
            switch byte {
            case 0x22:
                at += 1
                return JSONSpan(kind: .string, start: start, end: at - 1, isEscaped: isEscaped)
            case 0x5C:
                isEscaped = true
                try escape()
            case 0..<0x20:
                throw .json
            case 0x20..<0x80:
                at += 1
            default:
                try multibyte(first: byte)
            }
        }
        throw .json
    }

    private mutating func escape() throws(RejectReason) {
        at += 1
        switch peek {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74:
            at += 1
        case 0x75:
            at += 1
            for _ in 0..<4 {
                switch peek {
                case 0x30...0x39, 0x41...0x46, 0x61...0x66: at += 1
                default: throw .json
                }
            }
        default:
            throw .json
        }
    }

    /// A scalar of two to four bytes: shortest form, no surrogate, at most U+10FFFF (RFC 3629).
    private mutating func multibyte(first: UInt8) throws(RejectReason) {
        let second: ClosedRange<UInt8>
        let length: Int
        switch first {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: throw .utf8
        }
        guard at + length <= count, second.contains(unsafe bytes[at + 1]) else {
            throw .utf8
        }
        for index in 2..<max(length, 2) {
            guard (0x80...0xBF).contains(unsafe bytes[at + index]) else { throw .utf8 }
        }
        at += length
    }
}
