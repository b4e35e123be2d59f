/// The query of a request, read strictly. A repeated parameter and an invalid escape are errors. So
/// is an unknown parameter, unless the path ignores those: otherwise made-up names would fill the
/// caches in front with copies of one answer.
package struct QueryParameters: Sendable {
    private var values: [String: String] = [:]

    /// - Parameter ignoresOthers: whether parameters that are not `allowed` are skipped.
    /// - Throws: `Problem`, 400.
    package init(
        _ query: String?, allowed: Set<String>, ignoresOthers: Bool = false
    ) throws(Problem) {
        for part in (query ?? "").split(separator: "&", omittingEmptySubsequences: true) {
            let equals = part.firstIndex(of: "=")
            let name = Self.decoded(part[..<(equals ?? part.endIndex)])
            if ignoresOthers, !allowed.contains(name ?? "") { continue }
            guard let name,
                let value = Self.decoded(equals.map { part[part.index(after: $0)...] } ?? "")
            else { throw .invalidQuery("A percent escape is invalid or does not encode UTF-8.") }
            guard allowed.contains(name) else {
                let names = allowed.sorted().joined(separator: ", ")
                throw .invalidQuery(
                    allowed.isEmpty
                        ? "This path takes no parameters."
                        : "Unknown parameter. Supported: \(names).")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw .invalidQuery("The parameter \(name) is given more than once.")
            }
        }
    }

    /// The decoded value; nil if the parameter was not given.
    package subscript(name: String) -> String? { values[name] }

    /// Decodes percent escapes; nil for an invalid escape or bytes that are not UTF-8. Keeps plus
    /// signs.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexadecimalDigit),
                let low = rest.popFirst().flatMap(hexadecimalDigit)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
