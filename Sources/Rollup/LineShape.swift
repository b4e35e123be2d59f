/// Detects, by their first line, inputs that do not have one record per line.
enum LineShape {
    /// UTF-8's byte-order mark, which is not part of the line that follows it (RFC 8259, 8.1).
    static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// The line without a byte-order mark before it and a carriage return after it.
    @inline(__always)
    static func content(of line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var line = line
        if line.first == mark[0], line.starts(with: mark) {
            line = UnsafeRawBufferPointer(rebasing: line.dropFirst(mark.count))
        }
        if line.last == 0x0D { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
        return line
    }

    /// True if the line is empty or white space.
    @inline(__always)
    static func isBlank(_ line: UnsafeRawBufferPointer) -> Bool {
        line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
    }

    /// True if the line begins a JSON value that continues on the next lines: an array of records,
    /// or a pretty-printed object. A truncated record does not count as one, because hardly any
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
