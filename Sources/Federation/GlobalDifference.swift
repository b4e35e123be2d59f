package import CivilTime
package import Money

/// The sum of what the commits of one step add to the global sums of one (currency, minute).
package struct GlobalDifference: Hashable, Sendable {
    package var minute: Minute
    package var currency: Currency
    /// Added to the published sum, in minor units.
    package var published: Int64
    /// Added to the count.
    package var transfers: Int64

    package init(minute: Minute, currency: Currency, published: Int64, transfers: Int64) {
        self.minute = minute
        self.currency = currency
        self.published = published
        self.transfers = transfers
    }

    /// The sum over `commits`, by minute, then currency code. Every (currency, minute) that any of
    /// them changes is included once, even if its sum is 0.
    ///
    /// Nil if a sum overflows `Int64`, which takes more than 500 shards that all go from one end of
    /// the bounds to the other at once: the caller then writes them in smaller steps.
    package static func sum(of commits: [ShardCommit]) -> [GlobalDifference]? {
        // Rows only for the minutes that occur: a request has three of them, or all, and wrong
        // clocks produce minutes years apart.
        let minutes = Set(commits.flatMap { $0.changes.map(\.minute) }).sorted()
        guard !minutes.isEmpty else { return [] }
        let rows = minutes.count
        var rowOfMinute = [Minute: Int](minimumCapacity: rows)
        for (row, minute) in minutes.enumerated() { rowOfMinute[minute] = row }
        let width = Currency.count
        var cells = [Cell](repeating: Cell(), count: rows * width)
        var named = 0
        for commit in commits {
            var last: (minute: Minute, row: Int)?
            for change in commit.changes {
                if last?.minute != change.minute {
                    last = (change.minute, rowOfMinute[change.minute] ?? 0)
                }
                let row = last?.row ?? 0
                let at = row * width + Int(change.currency.index)
                if !cells[at].isNamed { named += 1 }
                guard cells[at].add(change) else { return nil }
            }
        }

        var differences: [GlobalDifference] = []
        differences.reserveCapacity(named)
        for (row, minute) in minutes.enumerated() {
            for column in 0..<width {
                let cell = cells[row * width + column]
                guard cell.isNamed else { continue }
                differences.append(
                    GlobalDifference(
                        minute: minute,
                        currency: Currency(uncheckedIndex: UInt16(column)),
                        published: cell.published, transfers: cell.transfers))
            }
        }
        return differences
    }

    private struct Cell {
        var published: Int64 = 0
        var transfers: Int64 = 0
        var isNamed = false

        /// False if a sum overflows.
        mutating func add(_ change: BucketChange) -> Bool {
            isNamed = true
            let money = published.addingReportingOverflow(change.published)
            let count = transfers.addingReportingOverflow(change.transfers)
            published = money.partialValue
            transfers = count.partialValue
            return !money.overflow && !count.overflow
        }
    }
}
