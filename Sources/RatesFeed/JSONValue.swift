/// A JSON value that keeps numbers as text.
enum JSONValue: Hashable, Sendable {
    case null
    case boolean(Bool)
    /// The digits in the document.
    case number(String)
    case string(String)
    case array([JSONValue])
    /// A key that the document repeats with a different value has the value null.
    case object([String: JSONValue])

    /// The value at a key; nil if there is none or this is not an object.
    subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }
}
