/// Why there can be no feed. Safe to print.
package struct RatesFeedError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String

    init(_ description: String) { self.description = description }
}
