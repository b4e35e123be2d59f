internal import Aggregation
package import CivilTime
package import Money

/// The result of a rollup.
package struct RollupResult: Sendable {
    /// The sum of one currency in one minute.
    package struct Row: Hashable, Sendable {
        package var currency: Currency
        /// The first instant of the minute. Not a `Minute`: those end in the year 6053.
        package var minuteStart: UnixTime
        /// Minor units.
        package var settled: Int64
        package var transfers: Int64

        package init(
            currency: Currency, minuteStart: UnixTime, settled: Int64, transfers: Int64
        ) {
            self.currency = currency
            self.minuteStart = minuteStart
            self.settled = settled
            self.transfers = transfers
        }
    }

    /// The sum of one currency over all minutes.
    package struct Total: Hashable, Sendable {
        package var currency: Currency
        /// Minor units. Int128, because the sum over ten thousand years of minutes, each within
        /// ±2^52, can reach ±2^85.
        package var settled: Int128
        package var transfers: Int64
    }

    /// One total per currency in `rows`, in the same order.
    package var totals: [Total] {
        var totals: [Total] = []
        for row in rows {
            if totals.last?.currency != row.currency {
                totals.append(Total(currency: row.currency, settled: 0, transfers: 0))
            }
            totals[totals.count - 1].settled += Int128(row.settled)
            totals[totals.count - 1].transfers += row.transfers
        }
        return totals
    }

    /// Sorted by currency code, then minute; no row is empty.
    package var rows: [Row]
    package var counters: RollupCounters
    /// Inputs that do not have one record per line, of which nothing was counted.
    package var refused: [RollupInput] = []
}

/// The number of lines with each outcome: `consumed` is the sum of the others, except `conflicts`.
package struct RollupCounters: Hashable, Sendable {
    /// Lines that are not blank.
    package var consumed: Int64 = 0
    package var applied: Int64 = 0
    package var duplicate: Int64 = 0
    /// Of `duplicate`, those whose amount, currency or time differs from the first record's.
    package var conflicts: Int64 = 0
    /// By `RejectReason.rawValue`.
    package var rejected = [Int64](repeating: 0, count: RejectReason.allCases.count)
    /// Corrections, markers, and changes that settle nothing: they add no money to the output.
    package var control: Int64 = 0

    package init() {}

    package var rejectedTotal: Int64 { rejected.reduce(0, +) }

    /// True if there were lines, and none of them was a JSON object of a record's size.
    package var understoodNothing: Bool {
        let unread: [RejectReason] = [.json, .utf8, .size]
        return consumed > 0
            && consumed == unread.map { rejected[Int($0.rawValue)] }.reduce(0, +)
    }

    mutating func reject(_ reason: RejectReason, count: Int64 = 1) {
        rejected[Int(reason.rawValue)] += count
    }

    mutating func add(_ other: RollupCounters) {
        consumed += other.consumed
        applied += other.applied
        duplicate += other.duplicate
        conflicts += other.conflicts
        control += other.control
        for index in rejected.indices { rejected[index] += other.rejected[index] }
    }
}

/// The progress of a rollup.
package struct RollupProgress: Sendable {
    package var bytes: Int
    package var records: Int64
    /// Nil if an input has no size.
    package var totalBytes: Int?
}
