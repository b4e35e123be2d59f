/// Limits line and file lengths: lines fit next to another window, files have one subject.
enum LengthRule {
    static let maximumColumns = 100
    static let maximumLines = 450

    /// Code and scripts; prose and generated code have no limit.
    static let checkedSuffixes = [".swift", ".h", ".c", ".proto", ".sh", ".py"]

    static func findings(in tree: RepositoryTree) -> [Finding] {
        tree.files.flatMap { file in
            guard !file.isGenerated, checkedSuffixes.contains(where: file.path.hasSuffix) else {
                return [Finding]()
            }
            let lines = file.lines
            var findings = lines.enumerated().compactMap { index, line in
                line.utf8.count > maximumColumns && line.count > maximumColumns
                    ? Finding(file.path, line: index + 1, "longer than \(maximumColumns) columns")
                    : nil
            }
            if file.isSwift, lines.count - 1 > maximumLines {
                findings.append(
                    Finding(file.path, "\(lines.count - 1) lines; \(maximumLines) at most"))
            }
            return findings
        }
    }
}
