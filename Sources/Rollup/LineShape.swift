/// Recognises inputs that are not one record a line, by their first line.
enum LineShape {
    /// UTF-8's byte-order mark. It is no part of the line that it begins (RFC 8259, 8.1).
    static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// The line without a mark before it and a carriage return behind it.
    @inline(__always)
    static func content(of line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var line = line
        if line.first == mark[0], line.starts(with: mark) {
            line = UnsafeRawBufferPointer(rebasing: line.dropFirst(mark.count))
        }
        if line.last == 0x0D { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
        return line
    }

    /// Whether the line holds nothing but white space.
    @inline(__always)
    static func isBlank(_ line: UnsafeRawBufferPointer) -> Bool {
        line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
    }

    /// Whether the line begins a JSON value that goes on over the next ones: an array of records,
    /// or an object laid out for people. A record that was cut off is not taken for one: hardly any
    /// ends in a bracket.
    static func goesOn(_ line: UnsafeRawBufferPointer) -> Bool {
        var depth = 0
        var isInString = false
        var isEscaped = false
        var first: UInt8?
        var last: UInt8 = 0
        for byte in line {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == 0x5C {
                    isEscaped = true
                } else if byte == 0x22 {
                    isInString = false
                }
                continue
            }
            switch byte {
            case 0x20, 0x09, 0x0D: continue
            case 0x22: isInString = true
            case 0x5B, 0x7B: depth += 1
            case 0x5D, 0x7D: depth -= 1
            default: break
            }
            if first == nil { first = byte }
            last = byte
        }
        guard depth > 0, !isInString else { return false }
        return first == 0x5B || last == 0x7B || last == 0x5B
    }
}
