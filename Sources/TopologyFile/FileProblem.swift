/// One thing wrong with a file that an operator wrote.
package struct FileProblem: Hashable, Sendable, CustomStringConvertible {
    /// The path, as it was given or as it follows from the file that names this one.
    package var file: String
    /// From 1.
    package var line: Int
    /// The key's path inside the file, as `logs[1].partitions`; `file` or `yaml` where the problem
    /// is with the file as a whole.
    package var key: String
    /// What should be there. It repeats no value of the file: a value may be secret.
    package var expected: String

    /// `file:line: key: expected …`.
    package var description: String { "\(file):\(line): \(key): expected \(expected)" }
}
