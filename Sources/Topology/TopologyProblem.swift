/// One problem of a topology, with its key.
package struct TopologyProblem: Hashable, Sendable, CustomStringConvertible {
    /// The key's path inside its file, such as `listeners.public` or `logs[1].partitions`.
    package var key: String
    /// The valid value in words, in lower case. Never repeats a value, which may be secret.
    package var expected: String

    package init(key: String, expected: String) {
        self.key = key
        self.expected = expected
    }

    /// `key: expected …`.
    package var description: String { "\(key): expected \(expected)" }
}
