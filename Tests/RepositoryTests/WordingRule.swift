/// Forbids leftovers in the repository: notes to oneself, and paths of one machine.
enum WordingRule {
    // Each is written in two parts, so that this file does not break the rule.
    static let leftovers = ["TO" + "DO", "FIX" + "ME", "HA" + "CK"]
    static let machinePaths = ["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "../sha" + "red"]

    /// Traps that input could reach, and casts that the compiler cannot check.
    static let trapsInSources = ["try!", "as!", "fatalError(", "unsafeBitCast"]

    static let inTests = ["@testable"]

    static func findings(in tree: RepositoryTree) -> [Finding] {
        tree.files.flatMap { words(in: $0) + traps(in: $0) }
    }

    private static func words(in file: RepositoryFile) -> [Finding] {
        guard !file.isGenerated else { return [] }
        return file.lines.enumerated().flatMap { index, line in
            let words = line.split { !($0.isLetter || $0.isNumber) }
            let left = leftovers.filter { words.contains(Substring($0)) }
            let paths = machinePaths.filter { line.contains($0) }
            return (left + paths).map { Finding(file.path, line: index + 1, "says \($0)") }
        }
    }

    private static func traps(in file: RepositoryFile) -> [Finding] {
        guard file.isSwift, !file.isGenerated else { return [] }
        let forbidden = file.path.hasPrefix("Sources/") ? trapsInSources : inTests
        let code = SwiftCode(file.text)
        return code.lines.indices.flatMap { index in
            forbidden.filter { code.line(index, contains: $0) }.map {
                Finding(file.path, line: index + 1, "says \($0)")
            }
        }
    }
}
