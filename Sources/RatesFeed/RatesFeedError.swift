/// Why the feed cannot start or save rates. Safe to print.
package struct RatesFeedError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String

    init(_ description: String) { self.description = description }
}
