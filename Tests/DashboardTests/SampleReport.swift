import CivilTime
import Hashing
import Identifiers
import Money
import Publishing

/// Made-up reports of a company's whole day.
enum SampleReport {
    static let usd = Currency(code: "USD") ?? Currency.all[0]
    static let eur = Currency(code: "EUR") ?? Currency.all[0]
    static let jpy = Currency(code: "JPY") ?? Currency.all[0]
    static let kwd = Currency(code: "KWD") ?? Currency.all[0]

    /// 25 March 2026, 13:28:00 UTC.
    static let asOf = UnixTime(seconds: 1_774_445_280)
    static let total: Int128 = 421_873_912_504_50

    private static let codes = [
        "AED", "AUD", "BHD", "BRL", "CAD", "CHF", "CLP", "CNY", "EUR", "GBP", "INR", "JPY", "KES",
        "KRW", "KWD", "MXN", "NGN", "PLN", "SEK", "SGD", "TRY", "USD", "VND", "ZAR",
    ]

    /// Nothing is wrong.
    static var whole: PublicReport {
        let currencies = codes.compactMap(Currency.init(code:)).enumerated().map {
            CurrencyFigure(
                currency: $1, amount: Int128(99_871_234_567) / Int128($0 * $0 + 3) + 7,
                transfers: Int128(1_204_871 / ($0 + 1)))
        }
        let regions = ["ap-south", "eu-west", "us-east"].map {
            RegionStanding(
                region: RegionID(unchecked: $0), state: .live, observedThrough: asOf + 1_200)
        }
        return PublicReport(
            version: "7f3a-81", currentMinute: asOf.minute, dataAsOf: asOf, madeAt: asOf + 1_900,
            currencies: currencies, other: nil, regions: regions,
            rates: RatesStanding(
                id: "5b1f0c9d2a7e4410", source: "European Central Bank", date: "2026-03-25",
                fetchedAt: asOf - 2_000_000, isStale: false, rounding: "half_even"),
            degradations: [], accounts: Accounts(late: [], missed: [], ahead: [], corrections: []),
            bases: [usd, eur, jpy, kwd].map { base($0, currencies: currencies.count) },
            defaultBase: usd)
    }

    /// One region is silent and behind, another is behind, rates are old, a currency has no rate, a
    /// few currencies are folded.
    static var degraded: PublicReport {
        var report = whole
        report.regions[1].state = .silent
        report.regions[1].observedThrough = asOf
        report.madeAt = asOf + 43_000
        report.regions[2].state = .lagging
        report.rates?.isStale = true
        report.degradations = [
            ReportedDegradation(reason: "rates_stale"),
            ReportedDegradation(reason: "currency_without_rate", currencies: ["NGN"]),
            ReportedDegradation(reason: "region_silent", region: RegionID(unchecked: "eu-west")),
            ReportedDegradation(reason: "region_lagging", region: RegionID(unchecked: "us-east")),
            ReportedDegradation(reason: "region_lagging", region: RegionID(unchecked: "eu-west")),
        ]
        report.other = OtherFigure(currencies: 3, transfers: 9)
        let region = RegionID(unchecked: "eu-west")
        report.accounts = Accounts(
            late: [AccountFigure(region: region, currency: eur, amount: 1_234_50, count: 12)],
            missed: [AccountFigure(region: region, currency: usd, amount: 99, count: 8)],
            ahead: [AccountFigure(region: region, currency: eur, amount: nil, count: 1)],
            corrections: [AccountFigure(region: region, currency: eur, amount: -50, count: 7)])
        for index in report.bases.indices {
            report.bases[index].other = 12_345
            if let unconverted = codes.firstIndex(of: "NGN") {
                report.bases[index].currencies[unconverted] = nil
            }
            for minute in 700..<790 { report.bases[index].series[minute] = nil }
            report.bases[index].series[795] = nil
            report.bases[index].series[797] = nil
        }
        return report
    }

    /// A total of 21 digits, everything else in proportion; also degraded, so that every part is
    /// present.
    static var large: PublicReport {
        var report = degraded
        let factor = largeTotal / total
        for index in report.currencies.indices { report.currencies[index].amount *= factor }
        for index in report.bases.indices {
            report.bases[index].total = largeTotal
            for currency in report.currencies.indices {
                guard let amount = report.bases[index].currencies[currency] else { continue }
                report.bases[index].currencies[currency] = amount * factor
            }
            for region in report.regions.indices { report.bases[index].regions[region] *= factor }
            for minute in report.bases[index].series.indices {
                guard let amount = report.bases[index].series[minute] else { continue }
                report.bases[index].series[minute] = amount * factor
            }
        }
        return report
    }

    private static let largeTotal: Int128 = 888_888_888_888_888_888_888

    private static func base(_ currency: Currency, currencies: Int) -> BaseReport {
        var random = SplitMix64(seed: UInt64(currency.index) + 5)
        let series = (0..<1_440).map { minute -> Int128? in
            let day = abs(((minute + 300) % 1_440) - 720)
            return Int128(18_000_000 + 34_000 * day)
                + Int128(random.next() % UInt64(9_000_000 + 9_000 * day))
        }
        let weights = (0..<currencies).map { index in Int128(1_000_000 / ((index * 7) % 23 + 1)) }
        let sum = weights.reduce(0, +)
        return BaseReport(
            currency: currency, total: total, currencies: weights.map { total * $0 / sum },
            other: nil, regions: [total * 31 / 100, total * 12 / 100, total * 57 / 100],
            series: series)
    }
}
