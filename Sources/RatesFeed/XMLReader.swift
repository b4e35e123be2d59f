/// Reads the elements of a small XML document strictly: no document type and so no entities, no
/// CDATA, no processing instructions, elements closed in order, and limits on depth and size. Skips
/// text between elements. Refuses character references, because the documents we read have none.
struct XMLReader {
    static let maximumDepth = 8
    /// Documents of rates have about 40.
    static let maximumElements = 2_000
    static let maximumAttributes = 8
    static let maximumNameBytes = 64
    static let maximumValueBytes = 256

    /// One start tag.
    struct Element {
        /// The names from the root down to this element.
        var path: [String]
        var attributes: [String: String]
    }

    private let bytes: [UInt8]
    private var at = 0
    private var path: [String] = []
    private var elements = 0
    private var isOpen = false

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private static func invalid(_ expected: String) -> RatesDocumentError {
        RatesDocumentError("XML: expected \(expected)")
    }

    /// The next start tag in the order of the document; nil at its valid end.
    mutating func nextElement() throws(RatesDocumentError) -> Element? {
        if elements == 0 { try skipDeclaration() }
        // The last element had no content, so it is already closed.
        if isOpen {
            path.removeLast()
            isOpen = false
        }
        while true {
            try skipText()
            guard at < bytes.count else {
                guard path.isEmpty, elements > 0 else { throw Self.invalid("the end of \(depth)") }
                return nil
            }
            if skip("<!--") {
                try skipComment()
            } else if skip("</") {
                try readEnd()
            } else if starts(with: "<!") || starts(with: "<?") {
                throw Self.invalid("elements only")
            } else {
                at += 1
                return try readStart()
            }
        }
    }

    private var depth: String { path.isEmpty ? "a root element" : "all elements" }

    private func starts(with text: String) -> Bool { bytes[at...].starts(with: text.utf8) }

    private mutating func skip(_ text: String) -> Bool {
        guard starts(with: text) else { return false }
        at += text.utf8.count
        return true
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    private mutating func skipSpace() {
        while at < bytes.count, Self.isSpace(bytes[at]) { at += 1 }
    }

    /// Skips a byte order mark and `<?xml … ?>` at the beginning.
    private mutating func skipDeclaration() throws(RatesDocumentError) {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
        guard skip("<?xml ") else { return }
        while at < bytes.count, !starts(with: "?>") { at += 1 }
        guard skip("?>") else { throw Self.invalid("the end of the declaration") }
    }

    private mutating func skipText() throws(RatesDocumentError) {
        while at < bytes.count, bytes[at] != UInt8(ascii: "<") {
            guard bytes[at] != UInt8(ascii: "&"), !path.isEmpty || Self.isSpace(bytes[at]) else {
                throw Self.invalid("no reference, and no text outside the root element")
            }
            at += 1
        }
    }

    private mutating func skipComment() throws(RatesDocumentError) {
        while at < bytes.count, !starts(with: "-->") { at += 1 }
        guard skip("-->") else { throw Self.invalid("the end of a comment") }
    }

    private mutating func readEnd() throws(RatesDocumentError) {
        let name = try name()
        skipSpace()
        guard skip(">"), name == path.last else {
            throw Self.invalid("the end of the innermost element")
        }
        path.removeLast()
    }

    private mutating func readStart() throws(RatesDocumentError) -> Element {
        elements += 1
        guard elements == 1 || !path.isEmpty else { throw Self.invalid("one root element") }
        guard path.count < Self.maximumDepth, elements <= Self.maximumElements else {
            throw Self.invalid(
                "at most \(Self.maximumDepth) levels and \(Self.maximumElements) elements")
        }
        path.append(try name())
        var attributes: [String: String] = [:]
        while true {
            let before = at
            skipSpace()
            if skip(">") { break }
            if skip("/>") {
                isOpen = true
                break
            }
            guard at > before, attributes.count < Self.maximumAttributes else {
                throw Self.invalid("the end of a tag")
            }
            let name = try name()
            skipSpace()
            guard skip("=") else { throw Self.invalid("an attribute's value") }
            skipSpace()
            guard attributes.updateValue(try value(), forKey: name) == nil else {
                throw Self.invalid("each attribute once")
            }
        }
        return Element(path: path, attributes: attributes)
    }

    /// ASCII letters, digits, `:`, `_`, `-` and `.`; the first is not a digit, `-` or `.`.
    private mutating func name() throws(RatesDocumentError) -> String {
        let start = at
        while at < bytes.count, Self.isNameByte(bytes[at], first: at == start) { at += 1 }
        guard (1...Self.maximumNameBytes).contains(at - start) else {
            throw Self.invalid("a name")
        }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    private static func isNameByte(_ byte: UInt8, first: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: ":"), UInt8(ascii: "_"):
            true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."): !first
        default: false
        }
    }

    /// Between single or double quotes.
    private mutating func value() throws(RatesDocumentError) -> String {
        guard at < bytes.count, case let quote = bytes[at],
            quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"")
        else { throw Self.invalid("a quote") }
        at += 1
        let start = at
        while at < bytes.count, bytes[at] != quote {
            guard bytes[at] != UInt8(ascii: "<"), bytes[at] != UInt8(ascii: "&") else {
                throw Self.invalid("no tag and no reference in a value")
            }
            at += 1
        }
        guard at < bytes.count, at - start <= Self.maximumValueBytes,
            let text = String(validating: bytes[start..<at], as: UTF8.self)
        else { throw Self.invalid("the end of a value") }
        at += 1
        return text
    }
}
