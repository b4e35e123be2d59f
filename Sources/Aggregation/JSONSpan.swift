/// The position of a JSON value in its document. For strings it excludes the quotes.
struct JSONSpan {
    enum Kind {
        case object
        case array
        case string
        case number
        case boolean
        case null
    }

    var kind: Kind
    var start: Int
    /// One past the last byte.
    var end: Int
    /// True if a string holds escapes, so that its content differs from its bytes.
    var isEscaped = false

    /// The bytes between `start` and `end`.
    func content(in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }

    /// True if a string's content, with its escapes decoded, is `text`.
    func equals(_ text: StaticString, in bytes: UnsafeRawBufferPointer) -> Bool {
        unsafe equals(
            UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount),
            in: bytes)
    }

    /// Like the other `equals`; `wanted` need not be Unicode.
    func equals(
        _ wanted: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer
    ) -> Bool {
        guard isEscaped else {
            return unsafe end - start == wanted.count && content(in: bytes).elementsEqual(wanted)
        }
        // An escape is never shorter than the bytes that it encodes.
        guard end - start >= wanted.count, let decoded = try? unsafe unescaped(in: bytes) else {
            return false
        }
        return unsafe decoded.elementsEqual(wanted)
    }

    /// A string's content with its escapes decoded. The scanner has checked their form. Throws for
    /// a lone surrogate, which is not Unicode.
    func unescaped(in bytes: UnsafeRawBufferPointer) throws(RejectReason) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(end - start)
        var at = start
        while at < end {
            let byte = unsafe bytes[at]
            guard byte == 0x5C else {
                result.append(byte)
                at += 1
                continue
            }
            let escape = unsafe bytes[at + 1]
            at += 2
            switch escape {
            case 0x62: result.append(0x08)
            case 0x66: result.append(0x0C)
            case 0x6E: result.append(0x0A)
            case 0x72: result.append(0x0D)
            case 0x74: result.append(0x09)
            case 0x75:
                var code = unsafe Self.hexadecimal(bytes, at: at)
                at += 4
                if (0xD800..<0xDC00).contains(code) {
                    guard at + 6 <= end, unsafe bytes[at] == 0x5C, unsafe bytes[at + 1] == 0x75
                    else { throw .utf8 }
                    let low = unsafe Self.hexadecimal(bytes, at: at + 2)
                    guard (0xDC00..<0xE000).contains(low) else { throw .utf8 }
                    code = 0x1_0000 + (code - 0xD800) << 10 + (low - 0xDC00)
                    at += 6
                }
                guard let scalar = Unicode.Scalar(code) else { throw .utf8 }
                result.append(contentsOf: UTF8.encode(scalar).unsafelyUnwrappedOrEmpty)
            default: result.append(escape)
            }
        }
        return result
    }

    /// Four hexadecimal digits that the scanner has checked.
    private static func hexadecimal(_ bytes: UnsafeRawBufferPointer, at start: Int) -> UInt32 {
        var code: UInt32 = 0
        for index in start..<start + 4 {
            let byte = unsafe bytes[index]
            let digit = byte <= 0x39 ? byte &- 0x30 : (byte | 0x20) &- 0x61 &+ 10
            code = code << 4 | UInt32(digit)
        }
        return code
    }
}

extension UTF8.EncodedScalar? {
    /// UTF-8 can encode every scalar; the optional exists for other encodings.
    fileprivate var unsafelyUnwrappedOrEmpty: UTF8.EncodedScalar { self ?? UTF8.EncodedScalar() }
}
