import CivilTime
import Identifiers
import Money
import Publishing

/// Realistic reports with made-up figures: 50 currencies, a day of minutes.
struct SyntheticReport {
    private static let windowMinutes = 1_440
    private static let regionNames = ["ap-south", "eu-west", "us-east"]
    private static let baseCodes = ["USD", "EUR", "GBP", "JPY", "KWD"]
    /// The scale of rates, which are in hundredths of a per cent.
    private static let rateScale: Int128 = 10_000

    private let currencies: [Currency]
    private let regions: [RegionID]
    let bases: [Currency]
    let rateSet: PublicRateSet

    init() {
        let bases = Self.baseCodes.compactMap { Currency(code: $0) }
        self.bases = bases
        let others = Currency.all.filter { !bases.contains($0) && $0.code != "XTS" }
        let step = max(1, others.count / 45)
        let picked = stride(from: 0, to: others.count, by: step).prefix(45).map { others[$0] }
        currencies = (bases + picked).sorted()
        let quoted = currencies.filter { $0 != bases[0] }
        let rates = Dictionary(uniqueKeysWithValues: quoted.map { ($0, ExchangeRate.oneAndAHalf) })
        let days = [quoted[0]: "2026-03-24"]
        guard
            let set = RateSet(
                source: "synthetic", date: "2026-03-25", base: bases[0], rates: rates, days: days)
        else { preconditionFailure("the base has a rate of its own") }
        rateSet = PublicRateSet(set, days: days)
        regions = Self.regionNames.compactMap { RegionID($0) }
    }

    /// - Parameter round: each round has more money than the previous one.
    func report(at now: UnixTime, round: Int, isDegraded: Bool) -> PublicReport {
        let figures = currencies.enumerated().map { place, currency in
            CurrencyFigure(
                currency: currency, amount: Int128(1_000_003 * (place + 1) + 97 * round),
                transfers: Int128(100 + place + round))
        }
        return PublicReport(
            // Lets the receiver of an event compute its latency.
            version: "bench.\(now.milliseconds)", currentMinute: now.minute, dataAsOf: now,
            madeAt: now, currencies: figures,
            other: OtherFigure(currencies: 2, transfers: 3),
            regions: regions.map {
                RegionStanding(
                    region: $0, state: isDegraded ? .silent : .live, observedThrough: now)
            },
            rates: RatesStanding(
                id: rateSet.id, source: rateSet.source, date: rateSet.date, fetchedAt: now,
                isStale: false, rounding: "half_even",
                days: Dictionary(
                    uniqueKeysWithValues: rateSet.quotes.map { ($0.currency, $0.day) }),
                held: isDegraded
                    ? [
                        HeldRate(
                            currency: currencies[0], rate: .one, day: "2026-03-25", reason: "jump",
                            offered: .oneAndAHalf, offeredDay: "2026-03-26"),
                        HeldRate(
                            currency: currencies[1], rate: .oneAndAHalf, day: "2026-03-12",
                            reason: "missing"),
                    ] : []),
            degradations: isDegraded
                ? [ReportedDegradation(reason: "region_silent", region: regions.first)] : [],
            accounts: Accounts(
                late: [
                    AccountFigure(
                        region: regions[0], currency: currencies[0], amount: 12_345, count: 6)
                ], missed: [], ahead: [], corrections: []),
            bases: bases.enumerated().map { base($1, rate: Int128(9_000 + 700 * $0), figures) },
            defaultBase: bases[0])
    }

    private func base(
        _ currency: Currency, rate: Int128, _ figures: [CurrencyFigure]
    ) -> BaseReport {
        let converted = figures.map { $0.amount * rate / Self.rateScale }
        let other: Int128 = 4_711
        let total = converted.reduce(other, +)
        let minute = total / Int128(Self.windowMinutes)
        return BaseReport(
            currency: currency, total: total, currencies: converted, other: other,
            regions: regions.indices.map { total / Int128(regions.count) + Int128($0) },
            series: (0..<Self.windowMinutes).map { place in
                // A wave that includes minutes with too few transfers.
                place % 97 == 0 ? nil : minute + minute * Int128(place % 240 - 120) / 400
            })
    }
}
