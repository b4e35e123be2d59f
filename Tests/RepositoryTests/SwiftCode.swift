/// Swift source with comments, and the text inside string literals, blanked out.
///
/// Keeps line numbers, and the code inside interpolations.
struct SwiftCode {
    /// The code, line by line, as UTF-8.
    let lines: [[UInt8]]

    init(_ text: String) {
        var blanker = Blanker(Array(text.utf8))
        let code = blanker.blank()
        lines = code.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map(Array.init)
    }

    /// Whether the line with this index contains `word`, not as a part of a longer name.
    func line(_ index: Int, contains word: String) -> Bool {
        let line = lines[index]
        let word = Array(word.utf8)
        guard let first = word.first, let last = word.last, line.count >= word.count else {
            return false
        }
        for start in 0...(line.count - word.count) where line[start] == first {
            let end = start + word.count
            guard line[start..<end].elementsEqual(word) else { continue }
            let joinsBefore = first.isNameByte && start > 0 && line[start - 1].isNameByte
            let joinsAfter = last.isNameByte && end < line.count && line[end].isNameByte
            if !joinsBefore && !joinsAfter { return true }
        }
        return false
    }

    /// The modules imported, each with its line counted from 1.
    var imports: [(module: String, line: Int)] {
        lines.enumerated().compactMap { index, bytes in
            let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
            guard let position = words.firstIndex(of: "import"), position + 1 < words.count,
                words[..<position].allSatisfy({ $0.hasPrefix("@") || Self.access.contains($0) })
            else { return nil }
            let after = words[(position + 1)...]
            guard let path = after.first(where: { !Self.importKinds.contains($0) }) else {
                return nil
            }
            return (String(path.prefix { $0 != "." }), index + 1)
        }
    }

    private static let access: Set<Substring> = [
        "public", "package", "internal", "fileprivate", "private",
    ]
    private static let importKinds: Set<Substring> = [
        "struct", "class", "enum", "protocol", "typealias", "func", "let", "var",
    ]
}

extension UInt8 {
    /// Whether the byte is allowed inside a Swift name.
    var isNameByte: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }
}

/// Scans source once and overwrites everything except code with spaces.
private struct Blanker {
    private let source: [UInt8]
    private var output: [UInt8]
    private var position = 0

    init(_ source: [UInt8]) {
        self.source = source
        output = source
    }

    mutating func blank() -> [UInt8] {
        code(untilClosingParenthesis: false)
        return output
    }

    private func starts(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard position + count <= source.count else { return false }
        return text.withUTF8Buffer { source[position..<(position + count)].elementsEqual($0) }
    }

    private mutating func erase(_ count: Int) {
        for _ in 0..<count where position < source.count {
            if source[position] != UInt8(ascii: "\n") { output[position] = UInt8(ascii: " ") }
            position += 1
        }
    }

    private mutating func code(untilClosingParenthesis: Bool) {
        var depth = 0
        while position < source.count {
            if starts("//") {
                while position < source.count && !starts("\n") { erase(1) }
            } else if starts("/*") {
                blockComment()
            } else if let hashes = hashesBeforeQuote() {
                string(hashes: hashes)
            } else {
                if source[position] == UInt8(ascii: "(") { depth += 1 }
                if source[position] == UInt8(ascii: ")") {
                    if depth == 0 && untilClosingParenthesis { return }
                    depth -= 1
                }
                position += 1
            }
        }
    }

    private mutating func blockComment() {
        var depth = 0
        repeat {
            if starts("/*") {
                depth += 1
                erase(2)
            } else if starts("*/") {
                depth -= 1
                erase(2)
            } else {
                erase(1)
            }
        } while depth > 0 && position < source.count
    }

    /// The number of `#` before a string's opening quote at this position; nil if no string opens.
    private func hashesBeforeQuote() -> Int? {
        var end = position
        while end < source.count && source[end] == UInt8(ascii: "#") { end += 1 }
        guard end < source.count, source[end] == UInt8(ascii: "\"") else { return nil }
        return end - position
    }

    private mutating func string(hashes: Int) {
        position += hashes
        let isMultiline = starts("\"\"\"")
        position += isMultiline ? 3 : 1
        while position < source.count {
            if closes(hashes: hashes, isMultiline: isMultiline) {
                position += (isMultiline ? 3 : 1) + hashes
                return
            }
            if !isMultiline && starts("\n") { return }
            if source[position] == UInt8(ascii: "\\"), hasHashes(hashes, at: position + 1) {
                erase(1 + hashes)
                if starts("(") {
                    position += 1
                    code(untilClosingParenthesis: true)
                }
            }
            erase(1)
        }
    }

    private func closes(hashes: Int, isMultiline: Bool) -> Bool {
        isMultiline
            ? starts("\"\"\"") && hasHashes(hashes, at: position + 3)
            : starts("\"") && hasHashes(hashes, at: position + 1)
    }

    private func hasHashes(_ count: Int, at start: Int) -> Bool {
        start + count <= source.count
            && source[start..<(start + count)].allSatisfy { $0 == UInt8(ascii: "#") }
    }
}
