/// One thing that is wrong with a topology, at the key it is wrong at.
package struct TopologyProblem: Hashable, Sendable, CustomStringConvertible {
    /// The key's path inside its file, as `listeners.public` or `logs[1].partitions`.
    package var key: String
    /// What should be there, beginning in lower case. It repeats no value: a value may be secret.
    package var expected: String

    package init(key: String, expected: String) {
        self.key = key
        self.expected = expected
    }

    /// `key: expected …`.
    package var description: String { "\(key): expected \(expected)" }
}
