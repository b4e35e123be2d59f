/// A name means one thing: no two modules declare a type of the same name at their top level.
enum TypeNameRule {
    private static let keywords: Set<Substring> = [
        "struct", "enum", "class", "actor", "protocol", "typealias",
    ]
    private static let modifiers: Set<Substring> = [
        "package", "public", "internal", "final", "indirect", "open",
    ]

    static func findings(in tree: RepositoryTree) -> [Finding] {
        var modules: [String: String] = [:]
        var findings: [Finding] = []
        for file in tree.files(under: "Sources").filter(\.isSwift) {
            let module = String(file.path.split(separator: "/")[1])
            for (index, line) in SwiftCode(file.text).lines.enumerated() {
                guard let name = typeName(String(decoding: line, as: UTF8.self)),
                    let other = modules.updateValue(module, forKey: name), other != module
                else { continue }
                findings.append(
                    Finding(file.path, line: index + 1, "\(other) has a type \(name) as well"))
            }
        }
        return findings
    }

    /// The type that a line declares at the top level, visible in its whole module; nil for any
    /// other line.
    private static func typeName(_ line: String) -> String? {
        guard line.first.map({ $0.isLetter || $0 == "@" }) == true else { return nil }
        let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "@") }
        let rest = words.drop { modifiers.contains($0) || $0.hasPrefix("@") }
        guard let keyword = rest.first, keywords.contains(keyword) else { return nil }
        return rest.dropFirst().first.map(String.init)
    }
}
