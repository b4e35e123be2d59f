import Federation
package import Money

/// Selects the currencies that are too small to be shown separately, because a figure of few
/// transfers reveals single amounts. Folds them into one group, with as many of the next smallest
/// as it takes to hide its parts: anyone can subtract the shown figures from the total.
package enum SmallFigures {
    package struct Folding {
        /// In the order of the totals.
        package var shown: [PublishedTotals.CurrencyTotal] = []
        /// In the order of the totals; empty or large enough, unless there is nothing else.
        package var folded: [PublishedTotals.CurrencyTotal] = []
    }

    /// - Parameters:
    ///   - minimum: the least number of transfers that a shown figure needs.
    ///   - isConverted: whether a currency is part of the converted total; converted currencies in
    ///     the group must also hide each other.
    package static func fold(
        _ totals: [PublishedTotals.CurrencyTotal], minimum: Int,
        isConverted: (Currency) -> Bool
    ) -> Folding {
        let rising = totals.sorted { ($0.transfers, $0.currency) < ($1.transfers, $1.currency) }
        var folded: Set<Currency> = []
        var all = Group()
        var converted = Group()
        for total in rising {
            let hides = all.hides(minimum) && converted.hides(minimum)
            guard total.transfers < minimum || !hides else { break }
            folded.insert(total.currency)
            all.add(total)
            if isConverted(total.currency) { converted.add(total) }
        }
        return Folding(
            shown: totals.filter { !folded.contains($0.currency) },
            folded: totals.filter { folded.contains($0.currency) })
    }

    /// Currencies that are shown only as a group.
    private struct Group {
        private var currencies = 0
        private var transfers: Int128 = 0

        mutating func add(_ total: PublishedTotals.CurrencyTotal) {
            currencies += 1
            transfers += total.transfers
        }

        /// Whether the group hides each of its parts; an empty group does.
        func hides(_ minimum: Int) -> Bool {
            currencies == 0 || currencies >= 2 && transfers >= minimum
        }
    }
}
