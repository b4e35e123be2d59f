package import Money

/// How old the rates of a total are, by the money that each of them converts. Pure.
///
/// A currency of which hardly anything moves does not make a total old; one that a tenth of it was
/// converted with does, however new all others are. Every base is looked at, for money in another
/// currency is converted with the base's own rate as well: what is said is said of the oldest.
package struct RatesAge: Hashable, Sendable {
    /// What rates convert less of than one part in this does not count.
    static let partMin: Int128 = 100

    /// The first day such that rates of it and of earlier ones convert at least that part.
    package var day: String
    /// The stale rates that hold money, or that a base has, in the order of codes; empty where they
    /// convert less than that part.
    package var stale: [Currency]

    /// - Parameter worth: what moved in each currency that is converted, in any one unit.
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
            // Money that is in the base already needs no rate.
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

    /// Saturating: a hundred times it must not overflow.
    private static func magnitude(_ amount: Int128) -> Int128 {
        Int128(min(amount.magnitude, UInt128(Int128.max) / 100_000))
    }
}
