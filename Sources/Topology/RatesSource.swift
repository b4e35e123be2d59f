/// Where exchange rates come from.
package struct RatesSource: Hashable, Sendable {
    /// The path of a rates file.
    package var file: String
    /// Rates older than this are stale; nil where a file's rates hold until the file is replaced.
    package var staleAfter: Duration?

    package init(file: String, staleAfter: Duration? = nil) {
        self.file = file
        self.staleAfter = staleAfter
    }
}
