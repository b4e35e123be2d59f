/// One problem of a file that an operator wrote.
package struct FileProblem: Hashable, Sendable, CustomStringConvertible {
    /// The path, as given or as derived from the file that names this one.
    package var file: String
    /// From 1.
    package var line: Int
    /// The key's path inside the file, such as `logs[1].partitions`; `file` or `yaml` for a problem
    /// of the whole file.
    package var key: String
    /// The valid value in words. Never repeats a value of the file, which may be secret.
    package var expected: String

    /// `file:line: key: expected …`.
    package var description: String { "\(file):\(line): \(key): expected \(expected)" }
}
