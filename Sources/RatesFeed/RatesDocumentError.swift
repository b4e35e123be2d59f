/// Why a document gives no rates. Safe to print: it repeats nothing of the document but codes of
/// our own currency table.
package struct RatesDocumentError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `malformed` or `notPositive`.
    package var problem: RatesProblem
    /// What was expected, or is wrong, in words.
    package var description: String

    init(_ problem: RatesProblem = .malformed, _ description: String) {
        self.problem = problem
        self.description = description
    }
}
