/// Identifies the function that folded a log: other rules produce another state.
///
/// Ordered by `rules`, then by `settings`. HQ refuses a lower version, and an equal one with
/// another digest; a higher one replaces the shard.
package struct FoldVersion: Hashable, Sendable {
    /// The generation of the fold's rules in the code.
    package var rules: UInt32
    /// The generation of the region file's settings that the fold reads; an operator raises it.
    package var settings: UInt32
    /// A digest of both, which reveals a change that did not raise its generation.
    package var digest: UInt64

    package init(rules: UInt32, settings: UInt32, digest: UInt64) {
        self.rules = rules
        self.settings = settings
        self.digest = digest
    }

    package func isOlder(than other: FoldVersion) -> Bool {
        (rules, settings) < (other.rules, other.settings)
    }
}
