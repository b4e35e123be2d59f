/// A value of JSON whose numbers are kept as they were written.
enum JSONValue: Hashable, Sendable {
    case null
    case boolean(Bool)
    /// The digits as they stand in the document.
    case number(String)
    case string(String)
    case array([JSONValue])
    /// A key that the document repeats with a different value has the value null.
    case object([String: JSONValue])

    /// The value at a key; nil where there is none, or this is no object.
    subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }
}
