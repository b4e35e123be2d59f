package import DeltaProtocol
package import Money

/// Transfers that a node counted but could not push in time: their minute left the retention before
/// the record arrived, or before an HQ received the bucket.
///
/// An HQ at any watermark can ask for the transfers it missed since then, as far back as the node
/// has read its log (about two days, if it started without state). Not part of the fold's state:
/// the floor decides what is missed, and the floor follows clocks.
package struct MissedMoney: Sendable {
    /// Above this length, entries between the same two watermarks are merged.
    package static let entriesMax = 4_096

    private struct Entry {
        var offset: Int64
        var currency: Currency
        var settled: Int64
        var transfers: Int64
    }

    private var entries: [Entry] = []
    /// Entries before this offset are not kept: every HQ has received them.
    private var from: Int64 = 0
    /// The length at which to merge next. It rises if merging did not shorten the list.
    private var entriesBound = entriesMax

    package init() {}

    /// Adds a transfer from the record at `offset`, or a dropped bucket that this record changed
    /// last.
    package mutating func add(
        settled: Int64, transfers: Int64, of currency: Currency, offset: Int64
    ) {
        guard offset >= from else { return }
        entries.append(
            Entry(offset: offset, currency: currency, settled: settled, transfers: transfers))
    }

    /// The sums at offsets from `base` on, by currency code, each at most `Limits.sumMagnitude`.
    package func sums(since base: Int64) -> [(currency: Currency, value: BucketValue)] {
        guard !entries.isEmpty else { return [] }
        var sums: [Currency: BucketValue] = [:]
        for entry in entries where entry.offset >= base {
            let before = sums[entry.currency] ?? .zero
            sums[entry.currency] = BucketValue(
                settled: Self.sum(before.settled, entry.settled),
                transfers: Self.sum(before.transfers, entry.transfers))
        }
        return sums.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Drops entries that every HQ has received, and merges a long list.
    ///
    /// - Parameter offsets: the possible watermarks of all HQs. Entries between two of them are
    ///   always sent together, so merging them loses nothing. Those at 0 are ignored, since such an
    ///   HQ receives the whole shard.
    package mutating func shorten(between offsets: [Int64]) {
        let offsets = offsets.filter { $0 > 0 }
        from = offsets.min() ?? .max
        if entries.contains(where: { $0.offset < from }) {
            entries.removeAll { $0.offset < from }
        }
        guard entries.count > entriesBound else { return }
        var merged: [Place: Entry] = [:]
        for entry in entries {
            let place = Place(
                passed: offsets.reduce(0) { $0 + ($1 <= entry.offset ? 1 : 0) },
                currency: entry.currency)
            var sum =
                merged[place]
                ?? Entry(
                    offset: entry.offset, currency: entry.currency, settled: 0, transfers: 0)
            sum.offset = max(sum.offset, entry.offset)
            sum.settled = Self.sum(sum.settled, entry.settled)
            sum.transfers = Self.sum(sum.transfers, entry.transfers)
            merged[place] = sum
        }
        entries = merged.values.sorted { ($0.offset, $0.currency) < ($1.offset, $1.currency) }
        entriesBound = max(Self.entriesMax, 2 * entries.count)
    }

    private struct Place: Hashable {
        var passed: Int
        var currency: Currency
    }

    private static func sum(_ a: Int64, _ b: Int64) -> Int64 {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? Limits.sumMagnitude : min(sum, Limits.sumMagnitude)
    }
}
