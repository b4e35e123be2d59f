/// README is short, and its commands and links exist.
enum ReadmeRule {
    static let maximumLines = 150

    static func findings(in tree: RepositoryTree) -> [Finding] {
        guard let readme = tree.file("README.md"), let makefile = tree.file("Makefile") else {
            return [Finding("README.md", "README.md and Makefile belong together")]
        }
        var findings: [Finding] = []
        if readme.lines.count - 1 > maximumLines {
            findings.append(Finding(readme.path, "longer than \(maximumLines) lines"))
        }
        let known = targets(makefile.text)
        for (target, line) in makeCommands(readme.lines) where !known.contains(target) {
            findings.append(
                Finding(readme.path, line: line, "make \(target): the Makefile has no such target"))
        }
        for (link, line) in links(readme.lines) where !tree.contains(link) {
            findings.append(Finding(readme.path, line: line, "\(link) does not exist"))
        }
        return findings
    }

    /// Names before a colon at the start of a line.
    static func targets(_ makefile: String) -> Set<String> {
        var targets: Set<String> = []
        for line in makefile.split(separator: "\n") where line.first?.isLetter == true {
            guard let colon = line.firstIndex(of: ":"), !line[colon...].hasPrefix(":="),
                !line[colon...].hasPrefix("::=")
            else { continue }
            targets.formUnion(line[..<colon].split(separator: " ").map(String.init))
        }
        return targets
    }

    /// The targets of every `make …` in a code block or between backticks.
    static func makeCommands(_ lines: [Substring]) -> [(target: String, line: Int)] {
        var commands: [(String, Int)] = []
        var isBlock = false
        for (index, line) in lines.enumerated() {
            if line.hasPrefix("```") {
                isBlock.toggle()
                continue
            }
            let spans = line.split(separator: "`", omittingEmptySubsequences: false)
            let code =
                isBlock ? [line] : spans.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
            for span in code {
                // Text in quotes is one value.
                let unquoted = span.prefix { $0 != "#" }.split(separator: "\"").enumerated()
                    .filter { $0.offset % 2 == 0 }.map { String($0.element) }.joined()
                let words = unquoted.split(separator: " ")
                guard words.first == "make" else { continue }
                commands += words.dropFirst().filter { !$0.contains("=") && !$0.hasPrefix("-") }
                    .map { (String($0), index + 1) }
            }
        }
        return commands
    }

    /// Targets of Markdown links that point into the repository.
    static func links(_ lines: [Substring]) -> [(path: String, line: Int)] {
        lines.enumerated().flatMap { index, line in
            line.split(separator: "](").dropFirst().compactMap { rest in
                let link = rest.prefix { $0 != ")" && $0 != "#" }
                return link.isEmpty || link.contains(":") ? nil : (String(link), index + 1)
            }
        }
    }
}
