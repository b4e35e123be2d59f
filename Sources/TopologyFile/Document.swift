import Yams

/// One YAML file while it is read: its problems so far, and the line of every key.
///
/// It reads values from their raw text without resolving them: in YAML 1.1, `NO` is false, `010` is
/// eight and `24:00` is 1,440.
final class Document {
    /// The path to print.
    let file: String
    private(set) var problems: [FileProblem] = []
    private var lineByKey: [String: Int] = [:]
    /// Kept while nodes are in use, because they refer weakly to the anchors it owns.
    private var parser: Parser?

    /// The most repeated keys that are reported for a file.
    private static let maximumRepeatedKeys = 64
    /// Works around the parser's refusal of repeated keys; see `root`.
    static let earlierKeyTag = "!tributary-earlier-key-"

    init(file: String) { self.file = file }

    /// Records a problem.
    func report(line: Int, key: String, expected: String) {
        let problem = FileProblem(
            file: file, line: line, key: Self.printable(key), expected: expected)
        if !problems.contains(problem) { problems.append(problem) }
    }

    /// Records a problem at the line of `key`, or of the nearest enclosing key.
    func report(key: String, expected: String) {
        report(line: line(of: key), key: key, expected: expected)
    }

    /// In the order of the file.
    var sortedProblems: [FileProblem] {
        problems.sorted { ($0.line, $0.key) < ($1.line, $1.key) }
    }

    /// Remembers the line of `key`.
    func place(_ key: String, line: Int) { lineByKey[key] = line }

    /// The line of `key`, or of the nearest enclosing key, or the first line.
    func line(of key: String) -> Int {
        var path = key[...]
        while !path.isEmpty {
            if let line = lineByKey[String(path)] { return line }
            path = path[..<(path.lastIndex { $0 == "." || $0 == "[" } ?? path.startIndex)]
        }
        return 1
    }

    /// The keys of the whole file. Records a problem and returns nil if `text` is not YAML or not a
    /// mapping.
    ///
    /// The parser stops at the first mapping with a repeated key and reports nothing else. So this
    /// adds a tag to the earlier of two equal keys, which makes it a different key, and parses the
    /// text again. `Fields` ignores the tag and reports the later key.
    func root(of text: String) -> Fields? {
        var text = text
        var repeated = 0
        while true {
            do {
                let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
                self.parser = parser
                guard let node = try parser.singleRoot() else {
                    report(line: 1, key: "file", expected: "a mapping of keys to values")
                    return nil
                }
                return Fields(node, document: self, path: "")
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                let tag = "\(Self.earlierKeyTag)\(repeated) "
                guard repeated < Self.maximumRepeatedKeys,
                    let tagged = Self.inserting(tag, into: text, at: context.mark)
                else {
                    report(
                        line: context.mark.line, key: keys.first ?? "yaml",
                        expected: "each key once")
                    return nil
                }
                text = tagged
                repeated += 1
            } catch {
                reportSyntax(error)
                return nil
            }
        }
    }

    private func reportSyntax(_ error: any Error) {
        let line: Int
        let detail: String
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            (line, detail) = (mark.line, problem)
        case .reader(let problem, let offset, _, let yaml):
            let before = yaml.prefix(offset ?? 0)
            (line, detail) = (1 + before.count { $0.isNewline }, problem)
        default:
            (line, detail) = (1, "it cannot be parsed")
        }
        report(line: line, key: "yaml", expected: "valid YAML: \(detail)")
    }

    /// `text` with `insertion` before the position of `mark`; nil if there is no such position.
    private static func inserting(_ insertion: String, into text: String, at mark: Mark) -> String?
    {
        var scalars = text.unicodeScalars
        var at = scalars.startIndex
        for _ in 1..<max(mark.line, 1) {
            guard let end = scalars[at...].firstIndex(of: "\n") else { return nil }
            at = scalars.index(after: end)
        }
        guard let place = scalars.index(at, offsetBy: mark.column - 1, limitedBy: scalars.endIndex)
        else { return nil }
        scalars.insert(contentsOf: insertion.unicodeScalars, at: place)
        return String(scalars)
    }

    /// The most characters of a key that are printed.
    private static let maximumPrintedKey = 80

    /// `key` without characters that could disturb a terminal or a log.
    private static func printable(_ key: String) -> String {
        String(
            key.prefix(maximumPrintedKey).map { character in
                character.isASCII && character >= " " && character != "\u{7F}" ? character : "?"
            })
    }
}
