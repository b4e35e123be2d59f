/// The characters of HTTP/1.1 (RFC 9110, section 5.6; RFC 9112).
enum HTTPSyntax {
    static let carriageReturn = UInt8(ascii: "\r")
    static let lineFeed = UInt8(ascii: "\n")
    static let space = UInt8(ascii: " ")
    static let tab = UInt8(ascii: "\t")

    /// Bit n is for the character n, 0 to 63: `! # $ % & ' * + - .` and the digits.
    private static let tokensBelow64: UInt64 = 0x03FF_6CFA_0000_0000
    /// Bit n is for the character 64 + n: letters, `^ _ \`` `|` and `~`.
    private static let tokensFrom64: UInt64 = 0x57FF_FFFF_C7FF_FFFE

    /// Whether the byte is allowed in a method or in the name of a field.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        guard byte < 128 else { return false }
        let bits = byte < 64 ? tokensBelow64 : tokensFrom64
        return bits >> UInt64(byte & 63) & 1 == 1
    }

    /// Whether the byte is allowed in the value of a field.
    @inline(__always)
    static func isInValue(_ byte: UInt8) -> Bool {
        (byte >= space && byte != 0x7F) || byte == tab
    }

    /// Whether the byte is allowed in a request's target: visible ASCII except `#`.
    @inline(__always)
    static func isInTarget(_ byte: UInt8) -> Bool {
        byte > space && byte < 0x7F && byte != UInt8(ascii: "#")
    }

    /// Whether the byte is allowed in an authority: a host and a port.
    static func isInAuthority(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default:
            "-._~:[]%!$&'()*+,;=".utf8.contains(byte)
        }
    }

    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

    /// Whether the range of `bytes` equals `text`, a name in lower case, ignoring case.
    @inline(__always)
    static func equals(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ text: StaticString
    ) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        let start = text.utf8Start
        for index in 0..<range.count {
            let byte = bytes[range.lowerBound + index]
            let lower = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            guard lower == start[index] else { return false }
        }
        return true
    }

    /// Calls `body` with the range of each element of a comma-separated list, without surrounding
    /// blanks; skips empty elements.
    static func forEachElement(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ body: (Range<Int>) -> Void
    ) {
        var start = range.lowerBound
        while start < range.upperBound {
            var end = start
            while end < range.upperBound, bytes[end] != UInt8(ascii: ",") { end += 1 }
            let element = trimmed(bytes, start..<end)
            if !element.isEmpty { body(element) }
            start = end + 1
        }
    }

    /// The range without the blanks at its ends.
    static func trimmed(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, isBlank(bytes[start]) { start += 1 }
        while end > start, isBlank(bytes[end - 1]) { end -= 1 }
        return start..<end
    }
}
