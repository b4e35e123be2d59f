package import CivilTime

/// The number of keys of each minute at the last count, used to detect keys that vanish.
///
/// Counting is far cheaper than comparing sums with shards, so it runs every minute, and only
/// minutes with suspicious counts are compared.
package struct KeyCensus: Sendable {
    /// The number of keys of one minute.
    package struct Count: Hashable, Sendable {
        /// The version at which the minute last changed; nil if it is not listed as changed.
        package var version: Int64?
        /// The number of bucket hashes, by the region's index.
        package var hashes: [Int64]
        package var published: Int64
        package var transfers: Int64
        /// The number of keys of late and missed money. Changing them lists the minute too.
        package var accounts: Int64

        package init(
            version: Int64?, hashes: [Int64], published: Int64, transfers: Int64,
            accounts: Int64 = 0
        ) {
            self.version = version
            self.hashes = hashes
            self.published = published
            self.transfers = transfers
            self.accounts = accounts
        }

        /// True if the minute has no keys.
        package var isBare: Bool {
            published == 0 && transfers == 0 && hashes.allSatisfy { $0 == 0 }
        }
    }

    /// The regions that have fewer hashes in a minute than before.
    package struct Loss: Hashable, Sendable {
        /// By index; empty if any region may have lost one.
        package var regions: Set<Int>
        /// True if only a loss explains it; otherwise the sums decide.
        package var isCertain: Bool

        package init(regions: Set<Int>, isCertain: Bool) {
            self.regions = regions
            self.isCertain = isCertain
        }

        /// Combines both findings of one minute.
        func joined(_ other: Loss) -> Loss {
            Loss(
                regions: regions.union(other.regions), isCertain: isCertain || other.isCertain)
        }
    }

    /// The database in which the keys were counted.
    private var storeID: String?
    private var counts: [Minute: Count] = [:]
    /// Losses found but not yet compared.
    private var open: [Minute: Loss] = [:]

    package init() {}

    /// Forgets minutes that have expired.
    package mutating func keepOnly(_ isRetained: (Minute) -> Bool) {
        counts = counts.filter { isRetained($0.key) }
        open = open.filter { isRetained($0.key) }
    }

    /// Takes a count and returns the minutes that may have lost keys, whose sums the caller must
    /// compare. They include minutes that have keys but are not listed, because readers would never
    /// learn of those.
    ///
    /// A minute is returned each time until `wereCompared` is called for it.
    package mutating func take(_ found: [Minute: Count], storeID: String?) -> [Minute: Loss] {
        if self.storeID != storeID {
            self.storeID = storeID
            counts = [:]
            open = [:]
        }
        var losses: [Minute: Loss] = [:]
        for (minute, count) in found {
            if let loss = Self.loss(count, since: counts[minute]) {
                open[minute] = open[minute].map(loss.joined) ?? loss
            }
            losses[minute] = open[minute]
            counts[minute] = count.isBare ? nil : count
        }
        return losses
    }

    /// Marks these minutes as compared and repaired.
    package mutating func wereCompared(_ minutes: some Sequence<Minute>) {
        for minute in minutes { open[minute] = nil }
    }

    private static func loss(_ count: Count, since earlier: Count?) -> Loss? {
        var fewer: Set<Int> = []
        if let earlier, earlier.hashes.count == count.hashes.count {
            fewer = Set(count.hashes.indices.filter { count.hashes[$0] < earlier.hashes[$0] })
        }
        let isListed = count.version != nil
        // If a commit had emptied the minute since, it would be listed at a later version. Without
        // that, fewer keys mean a loss.
        let isUnchanged = earlier != nil && (!isListed || earlier?.version == count.version)
        if !fewer.isEmpty { return Loss(regions: fewer, isCertain: isUnchanged) }
        if count.isBare, !isListed || count.accounts > 0 && earlier == nil { return nil }
        let hasFewerSums = earlier.map { count.published < $0.published } ?? false
        guard
            !isListed || count.published != count.transfers || count.published == 0
                || hasFewerSums
        else { return nil }
        return Loss(regions: [], isCertain: isUnchanged)
    }
}
