package import Federation
package import Money

/// Which currencies are too small to be shown by themselves: few transfers would show what single
/// ones came to. They are folded together, and so are as many of the next smallest as it takes for
/// the group to hide its parts, since anybody can subtract what is shown from the total.
package enum SmallFigures {
    package struct Folding {
        /// In the order of the totals.
        package var shown: [PublishedTotals.CurrencyTotal] = []
        /// In the order of the totals; empty or large enough, unless there is nothing else.
        package var folded: [PublishedTotals.CurrencyTotal] = []
    }

    /// - Parameters:
    ///   - minimum: a figure of at least so many transfers may be shown.
    ///   - isConverted: whether a currency is in the converted total: those that are must hide
    ///     among each other.
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

    /// Currencies that are told only together.
    private struct Group {
        private var currencies = 0
        private var transfers: Int128 = 0

        mutating func add(_ total: PublishedTotals.CurrencyTotal) {
            currencies += 1
            transfers += total.transfers
        }

        /// Whether none of its parts can be told; nothing has no parts.
        func hides(_ minimum: Int) -> Bool {
            currencies == 0 || currencies >= 2 && transfers >= minimum
        }
    }
}
