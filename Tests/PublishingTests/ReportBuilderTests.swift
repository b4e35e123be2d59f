import BigInt
import CivilTime
import DeltaProtocol
import Federation
import Hashing
import Identifiers
import Money
import Publishing
import Testing

/// A publication and its report builder, by reference, because the test macros accept only calls
/// that do not mutate values.
final class Reporter {
    var publication: Publication
    private var builder: ReportBuilder

    init(_ publication: Publication, _ builder: ReportBuilder) {
        self.publication = publication
        self.builder = builder
    }

    var work: ReportBuilder.Work { builder.work }

    func report(_ rates: RatesInForce?, now: UnixTime) -> PublicReport? {
        builder.report(of: &publication, rates: rates, now: now)
    }
}

@Suite struct ReportBuilderTests {
    /// 2026-03-25T13:28:00Z.
    static let noon = UnixTime(seconds: 1_774_445_280)
    static let codes = ["CHF", "EUR", "JPY", "KWD", "USD"].map { Currency(code: $0)! }
    static let log = LogID("main")!
    static let regions = ["ap-south", "eu-west"].map { RegionID($0)! }

    static func builder(
        unconverted: [String] = [], expectsRates: Bool = true, retired: Set<RegionID> = []
    ) -> ReportBuilder {
        ReportBuilder(
            .init(
                bases: ["EUR", "JPY", "USD"].map { Currency(code: $0)! },
                defaultBase: codes[1], unconverted: unconverted.map { Currency(code: $0)! },
                minimumTransfers: 5, retired: retired, expectsRates: expectsRates))
    }

    static func rates(
        _ values: [String: String] = ["USD": "2", "JPY": "150", "CHF": "0.9", "KWD": "0.3"],
        id: String = "1", isStale: Bool = false
    ) throws -> RatesInForce {
        RatesInForce(set: try TotalConverterTests.rates(values, id: id), isStale: isStale)
    }

    static func publication(
        _ minutes: [RegionMinute], version: Int64 = 1, completeFrom: Minute = Minute(0)
    ) -> Publication {
        var publication = Publication(
            settings: PublicationSettings(
                regions: regions.map { .init(id: $0, currentLogs: [log]) },
                currencies: Set(codes)))
        take(minutes, version: version, isFull: true, completeFrom: completeFrom, &publication)
        return publication
    }

    static func take(
        _ minutes: [RegionMinute], version: Int64, isFull: Bool = false,
        completeFrom: Minute = Minute(0), now: UnixTime = noon, _ publication: inout Publication
    ) {
        var standings: [ShardID: ShardStanding] = [:]
        for region in regions {
            standings[ShardID(region: region, log: log, partition: 0)] = ShardStanding(
                watermark: version, claims: Claims(from: completeFrom), observedThrough: now,
                receivedAt: now, node: "n")
        }
        publication.take(
            StoreRefresh(
                position: StorePosition(storeID: "store", version: version), isFull: isFull,
                minutes: minutes, standings: standings,
                partitionCounts: Dictionary(uniqueKeysWithValues: regions.map { ($0, [log: 1]) })),
            now: now)
    }

    static func minute(
        _ region: Int, ago: Int, _ values: [(String, Int64, Int64)]
    ) -> RegionMinute {
        RegionMinute(
            region: regions[region], minute: noon.minute.advanced(by: -ago),
            values: values.map {
                .init(
                    currency: Currency(code: $0)!, value: BucketValue(settled: $1, transfers: $2))
            })
    }

    @Test("A report contains totals, conversions, regions and rates")
    func whole() throws {
        let publication = Self.publication([
            Self.minute(0, ago: 10, [("EUR", 100, 5), ("USD", 300, 7)]),
            Self.minute(1, ago: 3, [("EUR", 50, 5)]), Self.minute(1, ago: 1, [("JPY", 30, 6)]),
        ])
        let reporter = Reporter(publication, Self.builder())
        let report = try #require(
            reporter.report(try Self.rates(), now: Self.noon))
        #expect(report.version == "store.1")
        #expect(report.dataAsOf == Self.noon)
        #expect(report.currentMinute == Self.noon.minute)
        #expect(!report.isDegraded)
        #expect(report.defaultBase.code == "EUR")
        #expect(report.currencies.map(\.currency.code) == ["EUR", "JPY", "USD"])
        #expect(report.currencies.map(\.amount) == [150, 30, 300])
        #expect(report.currencies.map(\.transfers) == [10, 6, 7])
        #expect(report.other == nil)
        #expect(report.regions.map(\.region) == Self.regions)
        #expect(report.regions.map(\.state) == [.live, .live])
        #expect(
            report.rates
                == RatesStanding(
                    id: "1", source: "test", date: "2026-03-25", fetchedAt: nil, isStale: false,
                    rounding: "half_even"))
        #expect(
            report.accounts == Accounts(late: [], missed: [], ahead: [], corrections: []))
        let eur = try #require(report.base(Self.codes[1]))
        // 1.50 + 30 ÷ 150 + 3.00 ÷ 2.
        #expect(eur.total == 320)
        #expect(eur.currencies == [150, 20, 150])
        #expect(eur.regions == [250, 70])
        #expect(eur.other == nil)
        #expect(eur.series.count == 1_440)
        #expect(eur.series[1_440 - 11] == 250)
        #expect(eur.series[1_440 - 4] == 50)
        #expect(eur.series[1_440 - 2] == 20)
        #expect(eur.series.compactMap { $0 }.reduce(0, +) == 320)
        #expect(report.base(Currency(code: "JPY")!)?.total == 480)
        #expect(report.base(Currency(code: "USD")!)?.regions == [500, 140])
    }

    @Test("Known quiet minutes are zero, and minutes before history are missing")
    func seriesOfQuietMinutes() throws {
        let from = Self.noon.minute.advanced(by: -100)
        let publication = Self.publication(
            [
                Self.minute(0, ago: 50, [("EUR", 100, 5)]),
                Self.minute(0, ago: 40, [("EUR", 100, 4)]),
                Self.minute(0, ago: 30, [("EUR", 3, 3), ("USD", 2, 2)]),
            ], completeFrom: from)
        let reporter = Reporter(publication, Self.builder())
        let rates = try Self.rates()
        let report = try #require(
            reporter.report(rates, now: Self.noon))
        let series = try #require(report.base(Self.codes[1])).series
        #expect(series.prefix(1_339).allSatisfy { $0 == nil })
        #expect(series[1_339] == 0)
        // Four transfers are too few to be shown, five are enough, whatever their currencies.
        #expect(series[1_439 - 50] == 100)
        #expect(series[1_439 - 40] == nil)
        #expect(series[1_439 - 30] == 4)
        #expect(series.compactMap { $0 } == series.suffix(101).compactMap { $0 })
        #expect(series.compactMap { $0 }.count == 100)

        // Three minutes later, without a read, these minutes are not known to be quiet.
        let later = try #require(
            reporter.report(rates, now: Self.noon + 180_000))
        let slid = try #require(later.base(Self.codes[1])).series
        #expect(Array(slid.prefix(1_439)) == Array(series.suffix(1_439)))
        #expect(slid[1_439] == nil)
        // After the region's data has advanced, they are.
        Self.take(
            [], version: 2, completeFrom: from, now: Self.noon + 180_000, &reporter.publication)
        let seen = try #require(
            reporter.report(rates, now: Self.noon + 180_000))
        #expect(seen.base(Self.codes[1])?.series.suffix(3) == [0, 0, 0])
    }

    @Test("An account with few transfers omits its amount")
    func accounts() throws {
        var late = Self.minute(0, ago: 10, [("EUR", 100, 5)])
        late.late = [
            .init(currency: Self.codes[1], value: BucketValue(settled: 70, transfers: 5)),
            .init(currency: Self.codes[0], value: BucketValue(settled: 900, transfers: 4)),
        ].sorted { $0.currency < $1.currency }
        let reporter = Reporter(Self.publication([late]), Self.builder())
        let report = try #require(reporter.report(try Self.rates(), now: Self.noon))
        let told = try #require(report.accounts.late)
        #expect(told.allSatisfy { $0.region == Self.regions[0] })
        for figure in told {
            #expect(figure.amount == (figure.currency == Self.codes[1] ? 70 : nil))
            #expect(figure.count == (figure.currency == Self.codes[1] ? 5 : 4))
        }
        #expect(told.count == 2)
        #expect(report.accounts.missed == [])
    }

    @Test("Small figures are folded into other, and converted if they have rates")
    func other() throws {
        let publication = Self.publication([
            Self.minute(0, ago: 10, [("CHF", 900, 2), ("EUR", 100, 50), ("KWD", 3_000, 4)])
        ])
        let reporter = Reporter(publication, Self.builder())
        let report = try #require(
            reporter.report(try Self.rates(), now: Self.noon))
        #expect(report.currencies.map(\.currency.code) == ["EUR"])
        #expect(report.other == OtherFigure(currencies: 2, transfers: 6))
        let eur = try #require(report.base(Self.codes[1]))
        #expect(eur.currencies == [100])
        // 9.00 ÷ 0.9 and 3.000 ÷ 0.3.
        #expect(eur.other == 2_000)
        #expect(eur.total == 2_100)
    }

    @Test("Rates that are missing, stale or incomplete are named")
    func ratesDegrade() throws {
        let publication = Self.publication([
            Self.minute(0, ago: 10, [("CHF", 900, 9), ("EUR", 100, 50)])
        ])
        let reporter = Reporter(publication, Self.builder())
        func reasons(_ rates: RatesInForce?) throws -> [ReportedDegradation] {
            try #require(reporter.report(rates, now: Self.noon))
                .degradations
        }
        #expect(try reasons(Self.rates()) == [])
        #expect(try reasons(Self.rates(isStale: true)) == [.init(reason: "rates_stale")])
        let some = try Self.rates(["USD": "2"], id: "2")
        #expect(
            try reasons(some) == [.init(reason: "currency_without_rate", currencies: ["CHF"])])
        let report = try #require(reporter.report(some, now: Self.noon))
        #expect(report.bases.map(\.currency.code) == ["EUR", "USD"])
        #expect(report.bases.map(\.currencies) == [[nil, 100], [nil, 200]])
        #expect(report.bases.map(\.total) == [100, 200])
        #expect(
            try reasons(nil) == [
                .init(reason: "rates_missing"),
                .init(reason: "currency_without_rate", currencies: ["CHF", "EUR"]),
            ])
        let without = try #require(reporter.report(nil, now: Self.noon))
        #expect(without.rates == nil)
        #expect(without.bases.map(\.total) == [100, 0, 0])
        #expect(without.bases.map(\.currencies) == [[nil, 100], [nil, nil], [nil, nil]])

        let named = Reporter(publication, Self.builder(unconverted: ["CHF"]))
        let excused = try #require(named.report(some, now: Self.noon))
        #expect(!excused.isDegraded)
        #expect(excused.currencies.map(\.currency.code) == ["CHF", "EUR"])
        #expect(excused.base(Self.codes[1])?.currencies == [nil, 100])
    }

    @Test("Relevant held rates degrade the total, and old ones make it old")
    func heldAndOld() throws {
        let publication = Self.publication([
            Self.minute(0, ago: 10, [("CHF", 900, 9), ("EUR", 100, 50), ("USD", 100, 50)])
        ])
        func held(_ code: String, _ reason: String, offered: String? = nil) throws -> HeldRate {
            HeldRate(
                currency: try #require(Currency(code: code)), rate: .one, day: "2026-03-24",
                reason: reason, offered: try offered.map { try ExchangeRate($0) },
                offeredDay: offered == nil ? nil : "2026-03-25")
        }
        var rates = try Self.rates()
        rates.held = [
            try held("CHF", "jump", offered: "90"), try held("SYP", "jump", offered: "2"),
            try held("USD", "missing"),
        ]
        let franc = try #require(Currency(code: "CHF"))
        rates.days = [franc: "2026-03-12"]
        rates.stale = [franc]
        let reporter = Reporter(publication, Self.builder())
        let report = try #require(reporter.report(rates, now: Self.noon))
        // No money moved in Syrian pounds, so their held rate does not matter.
        #expect(
            report.degradations == [
                .init(reason: "rates_stale", currencies: ["CHF"]),
                .init(reason: "rate_jump", currencies: ["CHF"]),
                .init(reason: "rate_old", currencies: ["USD"]),
            ])
        #expect(report.rates?.date == "2026-03-12")
        #expect(report.rates?.isStale == true)
        #expect(report.rates?.days == [franc: "2026-03-12"])
        #expect(report.rates?.held.map(\.currency.code) == ["CHF", "USD"])
        let excused = Reporter(publication, Self.builder(unconverted: ["CHF"]))
        #expect(
            try #require(excused.report(rates, now: Self.noon)).degradations
                == [.init(reason: "rate_old", currencies: ["USD"])])
    }

    @Test("A region has its worst state, and reasons without a region come first")
    func states() throws {
        let publication = Self.publication([], completeFrom: Self.noon.minute)
        let reporter = Reporter(publication, Self.builder(retired: [Self.regions[1]]))
        reporter.publication.storeIsUnreachable()
        let later = Self.noon + 60_000
        let report = try #require(
            reporter.report(try Self.rates(isStale: true), now: later))
        #expect(report.regions.map(\.state) == [.incomplete, .retired])
        #expect(
            report.degradations.prefix(3) == [
                .init(reason: "store_unreachable"), .init(reason: "rates_stale"),
                .init(reason: "region_lagging", region: Self.regions[0]),
            ])
    }

    @Test("A tick that converts only changes equals a new builder", arguments: 0..<12)
    func incremental(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let reporter = Reporter(Self.publication([]), Self.builder())
        var now = Self.noon
        var rates: RatesInForce? = try Self.rates()
        for version in Int64(2)..<60 {
            if Int.random(in: 0..<3, using: &random) == 0 {
                now = now + Int64.random(in: 0..<240_000, using: &random)
            }
            if Int.random(in: 0..<20, using: &random) == 0 {
                now = now + Int64.random(in: 0..<1_500 * 60_000, using: &random)
            }
            if Int.random(in: 0..<15, using: &random) == 0 {
                rates = try [Self.rates(), Self.rates(["USD": "1.1"], id: "9"), nil]
                    .randomElement(using: &random)!
            }
            let minutes = (0..<Int.random(in: 0..<5, using: &random)).map { _ in
                var minute = Self.minute(
                    Int.random(in: 0..<2, using: &random), ago: 0,
                    Self.codes.filter { _ in Bool.random(using: &random) }.map {
                        (
                            $0.code, Int64.random(in: 1...(1 << 40), using: &random),
                            Int64.random(in: 1...6, using: &random)
                        )
                    })
                minute.minute = now.minute.advanced(
                    by: -Int.random(in: 0..<1_450, using: &random))
                return minute
            }
            if Int.random(in: 0..<5, using: &random) > 0 {
                Self.take(
                    minutes.filter { one in
                        minutes.filter { $0.minute == one.minute }.count == 1
                    }, version: version, now: now, &reporter.publication)
            } else {
                reporter.publication.storeIsUnreachable()
            }
            let anew = Reporter(reporter.publication, Self.builder())
            let expected = anew.report(rates, now: now)
            let report = try #require(reporter.report(rates, now: now))
            try #require(report == expected, "seed \(seed), version \(version)")
            let series = Self.series(
                reporter.publication, rates, current: report.currentMinute)
            try #require(report.base(Self.codes[1])?.series == series, "seed \(seed)")
        }
        #expect(reporter.work.minutesConverted < 60 * 1_440 / 3, "seed \(seed)")
    }

    /// The series in EUR by fractions of big integers, minute by minute.
    private static func series(
        _ publication: Publication, _ rates: RatesInForce?, current: Minute
    ) -> [Int128?] {
        (0..<1_440).map { place -> Int128? in
            let minute = current.advanced(by: place - 1_439)
            let all = publication.totals(of: minute)
            if all.isEmpty {
                return publication.knownMinutes?.contains(minute) ?? false ? 0 : nil
            }
            let moved = all.filter {
                $0.currency == codes[1] || rates?.set.rate(of: $0.currency) != nil
            }
            guard !moved.isEmpty else { return 0 }
            guard moved.reduce(0, { $0 + $1.transfers }) >= 5 else { return nil }
            var (numerator, denominator) = (BigInt(0), BigInt(1))
            for total in moved {
                let rate = rates?.set.rate(of: total.currency) ?? .one
                // Cents of EUR: amount ÷ 10^exponent ÷ (mantissa ÷ 10^scale) · 100.
                let top = BigInt(total.amount) * BigInt(10).power(rate.scale) * 100
                let bottom = BigInt(10).power(total.currency.exponent) * BigInt(rate.mantissa)
                numerator = numerator * bottom + top * denominator
                denominator *= bottom
            }
            let (whole, rest) = numerator.quotientAndRemainder(dividingBy: denominator)
            let isUp = rest * 2 > denominator || rest * 2 == denominator && whole % 2 == 1
            return Int128((whole + (isUp ? 1 : 0)).description)
        }
    }
}
