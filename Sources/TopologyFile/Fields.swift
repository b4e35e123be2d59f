import Yams

/// A mapping of a file. Reading functions take its keys one by one; the remaining keys are unknown.
///
/// Each reading function records problems and then behaves as if the key were absent, so that one
/// pass finds every problem.
final class Fields {
    private let document: Document
    /// The path of the mapping; empty for the file itself.
    private let path: String
    private let line: Int
    private var values: [String: Node] = [:]
    /// In the order of the file.
    private var keys: [String] = []
    private var known: Set<String> = []

    /// Records a problem and returns nil if `node` is not a mapping.
    init?(_ node: Node, document: Document, path: String) {
        self.document = document
        self.path = path
        line = node.mark?.line ?? 1
        let key = path.isEmpty ? "file" : path
        guard case .mapping(let mapping) = node else {
            document.report(line: line, key: key, expected: "a mapping of keys to values")
            return nil
        }
        guard Self.isPlain(node, document: document, key: key) else { return nil }
        for (name, value) in mapping { add(name, value) }
    }

    private func add(_ name: Node, _ value: Node) {
        let line = name.mark?.line ?? self.line
        guard case .scalar(let scalar) = name else {
            document.report(line: line, key: pathOrFile, expected: "plain text as key")
            return
        }
        let key = child(scalar.string)
        if !name.tag.description.hasPrefix(Document.earlierKeyTag) {
            guard Self.isPlain(name, document: document, key: key) else { return }
        }
        if values[scalar.string] != nil {
            let first = document.line(of: key)
            document.report(
                line: line, key: key, expected: "each key once, but it is also on line \(first)")
            return
        }
        values[scalar.string] = value
        keys.append(scalar.string)
        document.place(key, line: line)
    }

    private var pathOrFile: String { path.isEmpty ? "file" : path }

    private func child(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// Whether the node has neither an anchor nor a tag, which these files do not need.
    private static func isPlain(_ node: Node, document: Document, key: String) -> Bool {
        let line = node.mark?.line ?? 1
        if node.anchor != nil {
            document.report(line: line, key: key, expected: "no anchor and no alias")
            return false
        }
        let tags: [Tag.Name] = [.implicit, .str, .map, .seq]
        guard tags.contains(where: { node.tag == Tag($0) }) else {
            document.report(line: line, key: key, expected: "no tag")
            return false
        }
        return true
    }

    private func take(_ key: String) -> Node? {
        known.insert(key)
        return values[key]
    }

    /// The raw text of a node. Records a problem and returns nil if it is not plain text.
    private func text(_ node: Node, key: String, expected: String) -> String? {
        guard case .scalar(let scalar) = node else {
            document.report(line: node.mark?.line ?? line, key: key, expected: expected)
            return nil
        }
        return Self.isPlain(node, document: document, key: key) ? scalar.string : nil
    }

    private func value<Value>(
        _ node: Node, key: String, expected: String, _ parse: (String) -> Value?
    ) -> Value? {
        guard let text = text(node, key: key, expected: expected) else { return nil }
        guard let value = parse(text) else {
            document.report(line: node.mark?.line ?? line, key: key, expected: expected)
            return nil
        }
        return value
    }

    private func reportMissing(_ key: String, expected: String) {
        document.report(
            line: line, key: child(key), expected: "\(expected), but the key is missing")
    }

    /// Whether the key exists, readable or not.
    func has(_ key: String) -> Bool { values[key] != nil }

    /// Whether the key exists and its value is a mapping.
    func isMapping(_ key: String) -> Bool {
        if case .mapping? = values[key] { true } else { false }
    }

    /// The value of a required key.
    func required<Value>(
        _ key: String, expected: String, _ parse: (String) -> Value?
    ) -> Value? {
        guard let node = take(key) else {
            reportMissing(key, expected: expected)
            return nil
        }
        return value(node, key: child(key), expected: expected, parse)
    }

    /// The value of an optional key.
    func optional<Value>(
        _ key: String, expected: String, _ parse: (String) -> Value?
    ) -> Value? {
        take(key).flatMap { value($0, key: child(key), expected: expected, parse) }
    }

    /// The elements of a list, each with its path; nil if the key is absent.
    private func elements(_ key: String, expected: String) -> [(node: Node, key: String)]? {
        guard let node = take(key) else { return nil }
        let path = child(key)
        guard case .sequence(let sequence) = node,
            Self.isPlain(node, document: document, key: path)
        else {
            document.report(line: node.mark?.line ?? line, key: path, expected: expected)
            return []
        }
        return sequence.enumerated().map { place, element in
            let key = "\(path)[\(place)]"
            document.place(key, line: element.mark?.line ?? line)
            return (element, key)
        }
    }

    /// The readable elements of a list of plain texts; nil if the key is absent.
    func optionalList<Value>(
        _ key: String, of expected: String, _ parse: (String) -> Value?
    ) -> [Value]? {
        elements(key, expected: "a list: each \(expected)")?.compactMap { element in
            value(element.node, key: element.key, expected: expected, parse)
        }
    }

    /// The readable elements of a required list, each with its path.
    func requiredKeyedList<Value>(
        _ key: String, of expected: String, _ parse: (String) -> Value?
    ) -> [(key: String, value: Value)] {
        guard let elements = elements(key, expected: "a list: each \(expected)") else {
            reportMissing(key, expected: "a list: each \(expected)")
            return []
        }
        return elements.compactMap { element in
            value(element.node, key: element.key, expected: expected, parse)
                .map { (element.key, $0) }
        }
    }

    /// Like `optionalList`, for a required key.
    func requiredList<Value>(
        _ key: String, of expected: String, _ parse: (String) -> Value?
    ) -> [Value] {
        requiredKeyedList(key, of: expected, parse).map(\.value)
    }

    /// The mappings of a required list.
    func requiredMappings(_ key: String, of expected: String) -> [Fields] {
        guard let elements = elements(key, expected: "a list: each \(expected)") else {
            reportMissing(key, expected: "a list: each \(expected)")
            return []
        }
        return elements.compactMap { Fields($0.node, document: document, path: $0.key) }
    }

    /// The mapping at an optional key.
    func optionalMapping(_ key: String) -> Fields? {
        take(key).flatMap { Fields($0, document: document, path: child(key)) }
    }

    /// The mapping at a required key.
    func requiredMapping(_ key: String, expected: String) -> Fields? {
        if values[key] == nil { reportMissing(key, expected: expected) }
        return optionalMapping(key)
    }

    /// Every key with its value, in the order of the file: for mappings whose keys are data.
    func all<Value>(expected: String, _ parse: (String) -> Value?) -> [(key: String, value: Value)]
    {
        keys.compactMap { key in
            optional(key, expected: expected, parse).map { (key, $0) }
        }
    }

    /// Records a problem at the path and line of a key.
    func report(_ key: String, expected: String) {
        document.report(key: child(key), expected: expected)
    }

    /// Reports every unread key as unknown. Call it after reading all known keys.
    func finish() {
        for key in keys where !known.contains(key) {
            document.report(
                key: child(key),
                expected: "one of the keys \(known.sorted().joined(separator: ", "))")
        }
    }
}
