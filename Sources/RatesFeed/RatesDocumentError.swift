/// Why a document gives no rates. Safe to print: it repeats nothing of the document.
package struct RatesDocumentError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The expectation in words.
    package var description: String

    init(_ description: String) { self.description = description }
}
