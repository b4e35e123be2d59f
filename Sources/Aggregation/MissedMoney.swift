package import DeltaProtocol
package import Money

/// Transfers that the fold counted but that a node no longer holds, and that some HQ was not told
/// of in time: their minute had left the retention when they came, or before they were pushed.
///
/// It says what is missing since any offset that an HQ can stand at and that the node has read:
/// some two days back, where it began without state. It is no part of the fold's state: the floor
/// decides it, and the floor follows clocks.
package struct MissedMoney: Sendable {
    /// Above so many entries, those that no HQ can tell apart are added up.
    package static let entriesMax = 4_096

    private struct Entry {
        var offset: Int64
        var currency: Currency
        var settled: Int64
        var transfers: Int64
    }

    private var entries: [Entry] = []
    /// Every HQ was told of what lies before it.
    private var from: Int64 = 0
    /// Adding up waits until there are so many, for it may not help.
    private var entriesBound = entriesMax

    package init() {}

    /// The record at `offset` added so much, or the bucket that it changed last held so much.
    package mutating func add(
        settled: Int64, transfers: Int64, of currency: Currency, offset: Int64
    ) {
        guard offset >= from else { return }
        entries.append(
            Entry(offset: offset, currency: currency, settled: settled, transfers: transfers))
    }

    /// What is missing at offsets from `base` on, by currency code. Sums stop at the greatest that
    /// a delta can say.
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

    /// Keeps the list short.
    ///
    /// - Parameter offsets: where the HQs stand, or may stand by now. What lies before all of them
    ///   is forgotten, and is not taken any more; of the rest, what lies between two of them is
    ///   told together in any case. An HQ at 0 gets the whole shard, and nothing missed.
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
