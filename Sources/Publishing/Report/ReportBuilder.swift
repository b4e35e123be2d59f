package import CivilTime
import DeltaProtocol
import Federation
package import Identifiers
package import Money

/// Builds each tick's report from the publication: converts exact sums, and folds figures of too
/// few transfers into `other`. Pure.
///
/// It caches conversions: a tick converts only changed minutes and sums, new rates everything once.
package struct ReportBuilder: Sendable {
    private let settings: Settings
    /// The id of the rates of all cached conversions; nil for none.
    private var ratesID: String?
    private var converter: TotalConverter
    private var series: MinuteSeries
    /// The end of the list of changed minutes at the last update of the series.
    private var seen: ChangePosition?
    private var memo = Memo()
    private var counters = Work()

    /// The builder's settings from the topology.
    package struct Settings: Hashable, Sendable {
        package var bases: [Currency]
        package var defaultBase: Currency
        package var unconverted: [Currency]
        package var minimumTransfers: Int
        package var retired: Set<RegionID>
        /// Whether rates are configured.
        package var expectsRates: Bool

        package init(
            bases: [Currency], defaultBase: Currency, unconverted: [Currency] = [],
            minimumTransfers: Int, retired: Set<RegionID> = [], expectsRates: Bool
        ) {
            self.bases = bases
            self.defaultBase = defaultBase
            self.unconverted = unconverted
            self.minimumTransfers = minimumTransfers
            self.retired = retired
            self.expectsRates = expectsRates
        }
    }

    /// The work done so far.
    package struct Work: Hashable, Sendable {
        package var reports = 0
        /// Minutes of the series converted, to all bases at once.
        package var minutesConverted = 0
        /// Sums of currencies and regions converted, to all bases at once.
        package var sumsConverted = 0
    }

    /// Conversions of the last report, by place.
    private struct Memo: Sendable {
        var currencies: [Currency: (of: PublishedTotals.CurrencyTotal, amounts: [Int128?])] = [:]
        var regions: [RegionID: (of: [PublishedTotals.CurrencyTotal], amounts: [Int128?])] = [:]
    }

    package init(_ settings: Settings) {
        self.settings = settings
        converter = TotalConverter(
            bases: settings.bases, unconverted: settings.unconverted, rates: nil)
        series = MinuteSeries(bases: settings.bases.count)
    }

    package var work: Work {
        var work = counters
        work.minutesConverted += series.minutesConverted
        return work
    }

    /// The report at `now`, by HQ's clock; nil before the publication shows anything.
    package mutating func report(
        of publication: inout Publication, rates: RatesInForce?, now: UnixTime
    ) -> PublicReport? {
        guard let totals = publication.totals(now: now) else { return nil }
        counters.reports += 1
        use(rates?.set)
        bringUpSeries(publication, current: totals.currentMinute)
        let converter = converter
        var age: RatesAge?
        if let rates { age = self.age(of: rates, totals) }
        let folding = SmallFigures.fold(
            totals.currencies, minimum: settings.minimumTransfers,
            isConverted: { currency in
                settings.bases.contains { converter.converts(currency, to: $0) }
            })
        return PublicReport(
            version: Self.version(of: totals.position), currentMinute: totals.currentMinute,
            dataAsOf: totals.dataAsOf, madeAt: now,
            currencies: folding.shown.map {
                CurrencyFigure(
                    currency: $0.currency, amount: $0.amount, transfers: $0.transfers)
            },
            other: folding.folded.isEmpty
                ? nil
                : OtherFigure(
                    currencies: folding.folded.count,
                    transfers: folding.folded.reduce(0) { $0 + $1.transfers }),
            regions: totals.regions.map { standing(of: $0, in: totals) },
            rates: rates.map { ratesStanding($0, age, totals) },
            degradations: degradations(of: totals, rates: rates, age),
            accounts: accounts(of: totals),
            bases: bases(totals, folding), defaultBase: settings.defaultBase)
    }

    /// Switches to other rates and drops the conversions with the previous ones.
    private mutating func use(_ rates: RateSet?) {
        guard rates?.id != ratesID else { return }
        ratesID = rates?.id
        converter = TotalConverter(
            bases: settings.bases, unconverted: settings.unconverted, rates: rates)
        memo = Memo()
        seen = nil
    }

    private static func version(of position: StorePosition) -> String {
        // Redis may hold any bytes as the id; headers and events allow only some.
        let id = position.storeID.utf8.filter { $0 > 0x20 && $0 < 0x7F }.prefix(64)
        return "\(String(decoding: id, as: UTF8.self)).\(position.version)"
    }
}

// MARK: Conversions

extension ReportBuilder {
    private mutating func bringUpSeries(_ publication: Publication, current: Minute) {
        let (converter, minimum) = (converter, Int128(settings.minimumTransfers))
        series.update(
            current: current, known: publication.knownMinutes,
            changed: seen.flatMap { publication.minutesChanged(since: $0) }
        ) { minute in
            let totals = publication.totals(of: minute)
            let told = converter.bases.map { base in
                let moved = totals.filter { converter.converts($0.currency, to: base) }
                return moved.isEmpty || moved.reduce(0) { $0 + $1.transfers } >= minimum
            }
            guard !totals.isEmpty else { return .quiet }
            return .moved(zip(converter.amounts(of: totals), told).map { $1 ? $0 : nil })
        }
        seen = publication.changesEnd
    }

    private mutating func amounts(of total: PublishedTotals.CurrencyTotal) -> [Int128?] {
        if let kept = memo.currencies[total.currency], kept.of == total { return kept.amounts }
        counters.sumsConverted += 1
        let amounts = zip(converter.amounts(of: [total]), converter.bases).map {
            converter.converts(total.currency, to: $1) ? $0 : nil
        }
        memo.currencies[total.currency] = (total, amounts)
        return amounts
    }

    private mutating func amounts(of region: PublishedTotals.RegionTotal) -> [Int128?] {
        if let kept = memo.regions[region.region], kept.of == region.currencies {
            return kept.amounts
        }
        counters.sumsConverted += 1
        let amounts = converter.amounts(of: region.currencies)
        memo.regions[region.region] = (region.currencies, amounts)
        return amounts
    }

    private mutating func bases(
        _ totals: PublishedTotals, _ folding: SmallFigures.Folding
    ) -> [BaseReport] {
        counters.sumsConverted += 2
        let whole = converter.amounts(of: totals.currencies)
        let other = converter.amounts(of: folding.folded)
        let currencies = folding.shown.map { amounts(of: $0) }
        let regions = totals.regions.map { amounts(of: $0) }
        return converter.bases.indices.compactMap { base in
            let inRegions = regions.compactMap { $0[base] }
            // A base without a rate has no amounts at all.
            guard let total = whole[base], inRegions.count == regions.count else { return nil }
            let hasOther = folding.folded.contains {
                converter.converts($0.currency, to: converter.bases[base])
            }
            return BaseReport(
                currency: converter.bases[base], total: total,
                currencies: currencies.map { $0[base] }, other: hasOther ? other[base] : nil,
                regions: inRegions, series: series.values[base])
        }
    }
}

// MARK: Standings

extension ReportBuilder {
    private func accounts(of totals: PublishedTotals) -> Accounts {
        // Until every region has been read, an empty account would wrongly report no such money.
        guard totals.regions.allSatisfy({ $0.accounts != nil }) else { return Accounts() }
        func figures(
            _ account: KeyPath<
                PublishedTotals.RegionTotal.Accounts, [PublishedTotals.CurrencyTotal]
            >
        ) -> [AccountFigure] {
            totals.regions.flatMap { region in
                (region.accounts?[keyPath: account] ?? []).map { total in
                    AccountFigure(
                        region: region.region, currency: total.currency,
                        amount: total.transfers < settings.minimumTransfers ? nil : total.amount,
                        count: total.transfers)
                }
            }
        }
        return Accounts(
            late: figures(\.late), missed: figures(\.missed), ahead: figures(\.ahead),
            corrections: figures(\.corrections))
    }

    /// How old the rates of the totals are.
    private mutating func age(of rates: RatesInForce, _ totals: PublishedTotals) -> RatesAge {
        let isMixed = rates.days.values.contains { $0 != rates.set.date }
        guard isMixed || !rates.stale.isEmpty,
            let unit = settings.bases.firstIndex(where: { rates.set.rate(of: $0) != nil })
        else { return RatesAge(of: rates, worth: [], bases: []) }
        let worth = totals.currencies.compactMap { total in
            amounts(of: total)[unit].map { (currency: total.currency, amount: $0) }
        }
        return RatesAge(of: rates, worth: worth, bases: settings.bases)
    }

    private func standing(
        of region: PublishedTotals.RegionTotal, in totals: PublishedTotals
    ) -> RegionStanding {
        let reasons = Set(
            totals.degradations.lazy.filter { $0.region == region.region }.map(\.reason))
        let state: RegionStanding.State =
            if settings.retired.contains(region.region) {
                .retired
            } else if reasons.contains(.regionMissing) {
                .missing
            } else if reasons.contains(.regionSilent) {
                .silent
            } else if !reasons.isDisjoint(with: [.storeRefilling, .storeLoss]) {
                .recovering
            } else if !reasons.isDisjoint(with: [.partitionsMissing, .incomplete]) {
                .incomplete
            } else if reasons.contains(.regionLagging) {
                .lagging
            } else {
                .live
            }
        return RegionStanding(
            region: region.region, state: state, observedThrough: region.observedThrough)
    }

    private func ratesStanding(
        _ rates: RatesInForce, _ age: RatesAge?, _ totals: PublishedTotals
    ) -> RatesStanding {
        RatesStanding(
            id: rates.set.id, source: rates.set.source, date: age?.day ?? rates.set.date,
            fetchedAt: rates.fetchedAt, isStale: age?.stale.isEmpty == false,
            rounding: RoundingPolicy.halfEven.rawValue, days: rates.days,
            held: held(rates, totals))
    }

    /// The held rates that affect a total: of currencies that moved in the window, and of bases.
    private func held(_ rates: RatesInForce, _ totals: PublishedTotals) -> [HeldRate] {
        guard !rates.held.isEmpty else { return [] }
        let moved = totals.currencies.filter { $0.amount != 0 }.map(\.currency)
        let matter = Set(moved + settings.bases).subtracting(settings.unconverted)
        return rates.held.filter { matter.contains($0.currency) }
    }

    /// Those without a region first, then by region name.
    private func degradations(
        of totals: PublishedTotals, rates: RatesInForce?, _ age: RatesAge?
    ) -> [ReportedDegradation] {
        let found = totals.degradations.map {
            ReportedDegradation(reason: $0.reason.rawValue, region: $0.region)
        }
        var ofRates: [ReportedDegradation] = []
        if let rates {
            if let stale = age?.stale, !stale.isEmpty {
                // If every rate is stale, a list of all currencies would add nothing.
                let isWhole = rates.stale.contains(rates.set.base)
                ofRates.append(
                    ReportedDegradation(
                        reason: "rates_stale", currencies: isWhole ? [] : stale.map(\.code)))
            }
            let held = held(rates, totals)
            for (reason, ofReason) in [
                ("rate_jump", held.filter { $0.offered != nil }),
                ("rate_old", held.filter { $0.offered == nil }),
            ] where !ofReason.isEmpty {
                ofRates.append(
                    ReportedDegradation(
                        reason: reason, currencies: ofReason.map(\.currency.code)))
            }
        } else if settings.expectsRates {
            ofRates.append(ReportedDegradation(reason: "rates_missing"))
        }
        let leftOut = converter.leftOut(of: totals.currencies)
        if !leftOut.isEmpty {
            ofRates.append(
                ReportedDegradation(
                    reason: "currency_without_rate", currencies: leftOut.map(\.code)))
        }
        return found.filter { $0.region == nil } + ofRates + found.filter { $0.region != nil }
    }
}
