package import CivilTime
package import Federation
package import Money
package import PublicAPI

/// Turns exact totals per currency into the public answer for each base currency. Pure.
///
/// A currency without a rate is never guessed: it is left out of the converted total, which is
/// then degraded, unless the topology says that the currency is not to be converted.
package struct TotalConverter: Sendable {
    /// One converter serves all bases; without rates each base stands alone.
    private enum Rates: Sendable {
        case set(Converter)
        case none([Currency: Converter])
    }

    private let bases: [Currency]
    private let unconverted: Set<Currency>
    private let rates: Rates
    /// From when on the rates are stale; nil means never.
    private let staleFrom: UnixTime?
    /// Whether there should be rates and are none.
    private let lacksRates: Bool

    /// - Parameters:
    ///   - rates: nil where none could be read yet, or none are configured.
    ///   - expectsRates: whether rates are configured.
    ///   - staleAfter: how long after the beginning of their day rates are good; nil for ever.
    package init(
        bases: [Currency], unconverted: [Currency], rates: RateSet?, expectsRates: Bool,
        staleAfter: Duration?
    ) {
        self.bases = bases
        self.unconverted = Set(unconverted)
        lacksRates = expectsRates && rates == nil
        guard let rates else {
            self.rates = .none(Self.standAlone(bases))
            staleFrom = nil
            return
        }
        self.rates = .set(Converter(rates: rates))
        if let staleAfter, let day = RFC3339.parse("\(rates.date)T00:00:00Z") {
            staleFrom = day + staleAfter.milliseconds
        } else {
            staleFrom = nil
        }
    }

    /// The answers, in the order of the bases; a base without a rate has none.
    package func answers(for totals: PublishedTotals, now: UnixTime) -> [MoneyMoved] {
        let amounts = totals.currencies.lazy
            .filter { !unconverted.contains($0.currency) }
            .map { (currency: $0.currency, minorUnits: $0.amount) }
        let isDegraded = totals.isDegraded || lacksRates || staleFrom.map { now >= $0 } ?? false
        func answer(_ base: Currency, _ sum: ExactSum) -> MoneyMoved? {
            guard let amount = try? sum.minorUnits(in: base) else { return nil }
            return MoneyMoved(
                base: base, amount: amount, dataAsOf: totals.dataAsOf,
                isDegraded: isDegraded || !sum.leftOut.isEmpty)
        }
        switch rates {
        case .set(let converter):
            let sum = converter.sum(amounts)
            return bases.compactMap { answer($0, sum) }
        case .none(let converters):
            return bases.compactMap { base in
                converters[base].flatMap { answer(base, $0.sum(amounts)) }
            }
        }
    }

    private static func standAlone(_ bases: [Currency]) -> [Currency: Converter] {
        var converters: [Currency: Converter] = [:]
        for base in bases {
            converters[base] = RateSet(id: "none", source: "none", date: "", base: base, rates: [:])
                .map(Converter.init)
        }
        return converters
    }
}

extension Duration {
    /// In whole milliseconds, the rest cut off; saturating.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carry) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        return carry ? (seconds < 0 ? .min : .max) : sum
    }
}
