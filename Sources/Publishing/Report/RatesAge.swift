package import Money

/// How old the rates of a total are, weighted by the money that each of them converts. Pure.
///
/// Old rates count only if together they convert at least one part in `partMin` of the money. So a
/// currency that hardly moves does not make a total old, but one that moves a tenth of the money
/// does, however new all other rates are. Converting into a base also uses the base's own rate, so
/// every base is examined: `day` is the oldest found and `stale` combines all bases.
package struct RatesAge: Hashable, Sendable {
    /// Rates that together convert less than one part in this many of the money do not count.
    static let partMin: Int128 = 100

    /// The earliest day for which the rates of that day and before convert at least that part.
    package var day: String
    /// The stale rates of currencies that moved and of bases, in the order of codes; empty if they
    /// convert less than that part.
    package var stale: [Currency]

    /// - Parameter worth: the money that moved in each converted currency, all in the same unit.
    package init(
        of rates: RatesInForce, worth: [(currency: Currency, amount: Int128)], bases: [Currency]
    ) {
        day = rates.set.date
        stale = []
        let whole = worth.reduce(Int128(0)) { $0 + Self.magnitude($1.amount) }
        guard whole > 0 else {
            if rates.stale.contains(rates.set.base) { stale = [rates.set.base] }
            return
        }
        var old: Set<Currency> = []
        for base in bases where rates.set.rate(of: base) != nil {
            // Money already in the base needs no rate.
            let converted = worth.filter { $0.currency != base }
            let dated = converted.map {
                (day: min(rates.day(of: $0.currency), rates.day(of: base)), amount: $0.amount)
            }
            var sum: Int128 = 0
            for (day, amount) in dated.sorted(by: { $0.day < $1.day }) {
                sum += Self.magnitude(amount)
                guard sum * Self.partMin >= whole else { continue }
                self.day = min(self.day, day)
                break
            }
            let isBaseStale = rates.stale.contains(base)
            let staleOnes = converted.filter { isBaseStale || rates.stale.contains($0.currency) }
            let part = staleOnes.reduce(Int128(0)) { $0 + Self.magnitude($1.amount) }
            guard part > 0, part * Self.partMin >= whole else { continue }
            old.formUnion(isBaseStale ? [base] : [])
            old.formUnion(staleOnes.map(\.currency).filter(rates.stale.contains))
        }
        stale = old.sorted()
    }

    /// Saturates, so that a hundred times the value cannot overflow.
    private static func magnitude(_ amount: Int128) -> Int128 {
        Int128(min(amount.magnitude, UInt128(Int128.max) / 100_000))
    }
}
