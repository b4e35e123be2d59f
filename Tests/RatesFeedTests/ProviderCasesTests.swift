import CivilTime
import Gzip
import Money
import RatesCore
import RatesFeed
import Testing
import Topology

/// Real answers of providers, and the totals of a day's money with them. The totals were computed
/// by hand, with fractions, from the rates that should be in force.
@Suite("Answers from the field") struct ProviderCasesTests {
    /// Minor units of the window.
    private static let money: [(String, Int128)] = [
        ("USD", 1_234_567), ("EUR", 7_654_321), ("GBP", 99_999), ("JPY", 123_457), ("CHF", 31),
        ("BGN", 195_583), ("SEK", 77_777), ("IDR", 15_804_410_000), ("TRY", 555),
        ("KWD", 123_456), ("VES", 10_000), ("SYP", 5_000), ("UZS", 1_000_000), ("TMT", 350),
        ("CZK", 2_500), ("ISK", 1_360), ("HUF", 39_510),
    ]

    /// A Saturday: the last rates of the bank are Friday's.
    private static let saturday = RatesFixture.time("2026-11-28T12:00:00Z")

    private struct Told {
        var book: RatesBook

        init() throws {
            book = RatesBook(
                policy: RatesPolicy(jumpFactorMax: try ExchangeRate("1.5")),
                calendar: .targetDays(grace: .seconds(7_200)),
                converted: money.map { RatesFixture.currency($0.0) })
        }

        mutating func take(
            _ text: String, of provider: RatesProvider, at now: UnixTime = saturday
        ) throws {
            let rates = try RatesFixture.read(text, of: provider)
            #expect(book.take(.rates(rates), now: now).isAccepted)
        }

        func totals(_ bases: String...) throws -> [String] {
            let set = try #require(book.reading?.set)
            let sum = Converter(rates: set).sum(
                money.lazy.map { (RatesFixture.currency($0.0), $0.1) })
            return try bases.map { code in
                let base = RatesFixture.currency(code)
                let units = try sum.minorUnits(in: base)
                return "\(code) \(DecimalText.format(minorUnits: units, of: base))"
            }
        }

        /// The currencies without a rate.
        var leftOut: String { (book.reading?.missing ?? []).map(\.code).joined(separator: " ") }
        var held: [String] {
            (book.reading?.held ?? []).map { "\($0.currency) \($0.reason)" }
        }
    }

    // MARK: The European Central Bank

    private static let bankRates = [
        ("USD", "1.1534"), ("JPY", "171.94"), ("CZK", "24.305"), ("GBP", "0.86340"),
        ("HUF", "382.10"), ("SEK", "10.9595"), ("CHF", "0.9334"), ("ISK", "146.90"),
        ("TRY", "48.1868"), ("IDR", "19287.21"),
    ]

    private static func bank(_ days: [(String, [(String, String)])]) -> String {
        let cubes = days.map { day, rates in
            let rates = rates.map { "<Cube currency='\($0)' rate='\($1)'/>" }.joined()
            return "<Cube time='\(day)'>\(rates)</Cube>"
        }
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <gesmes:Envelope><gesmes:subject>Reference rates</gesmes:subject>\
            <Cube>\(cubes.joined())</Cube></gesmes:Envelope>
            """
    }

    private static let bankTotals = ["USD 112341.31", "EUR 97400.13", "JPY 16746979"]
    private static let notOfTheBank = "BGN KWD SYP TMT UZS VES"

    @Test func `a comment after the end, and an unrequested compressed body`() throws {
        let text =
            Self.bank([("2026-11-27", Self.bankRates)])
            + "\n<!-- cache: 27 November 2026 21:39 -->\n"
        let packed = try #require(Gzip.compress(Array(text.utf8)))
        for bytes in [Array(text.utf8), packed] {
            var told = try Told()
            let rates = try RatesDocument.read(bytes, of: .europeanCentralBank)
            #expect(told.book.take(.rates(rates), now: Self.saturday).isAccepted)
            #expect(try told.totals("USD", "EUR", "JPY") == Self.bankTotals)
            #expect(told.leftOut == Self.notOfTheBank)
        }
    }

    @Test func `two days in one document`() throws {
        let older = Self.bankRates.map { $0.0 == "USD" ? ($0.0, "1.15") : $0 }
        for days in [
            [("2026-11-27", Self.bankRates), ("2026-11-26", older)],
            [("2026-11-26", older), ("2026-11-27", Self.bankRates)],
        ] {
            var told = try Told()
            try told.take(Self.bank(days), of: .europeanCentralBank)
            #expect(try told.totals("USD", "EUR", "JPY") == Self.bankTotals)
            #expect(told.book.reading?.set.date == "2026-11-27")
        }
    }

    @Test func `a decimal comma is read neither as 146 nor as 14690`() throws {
        let comma = Self.bankRates.map { $0.0 == "ISK" ? ($0.0, "146,90") : $0 }
        var told = try Told()
        try told.take(Self.bank([("2026-11-27", comma)]), of: .europeanCentralBank)
        #expect(told.leftOut == "BGN ISK KWD SYP TMT UZS VES")
        // After a valid answer, the currency keeps its last good rate and is reported as held.
        var later = try Told()
        try later.take(Self.bank([("2026-11-27", Self.bankRates)]), of: .europeanCentralBank)
        try later.take(Self.bank([("2026-11-27", comma)]), of: .europeanCentralBank)
        #expect(try later.totals("USD", "EUR", "JPY") == Self.bankTotals)
        #expect(later.held == ["ISK malformed"])
    }

    @Test func `an HTML page is refused, whatever its status`() throws {
        let page = """
            <html><head><title>Request Rejected</title></head><body>Your support ID is: 1</body>\
            </html>
            """
        #expect(RatesFixture.isRefused(page, of: .europeanCentralBank))
    }

    // MARK: Frankfurter

    @Test func `small rates with exponents`() throws {
        let text = """
            {"amount":1.0,"base":"IDR","date":"2026-11-27","rates":{"USD":5.9802e-05,\
            "EUR":5.1848e-05,"GBP":4.4766e-05,"JPY":0.0089147,"SEK":0.00056822}}
            """
        var told = try Told()
        try told.take(text, of: .frankfurter)
        #expect(
            try told.totals("USD", "EUR", "JPY")
                == ["USD 112328.63", "EUR 97388.29", "JPY 16744858"])
        #expect(told.leftOut == "BGN CHF CZK HUF ISK KWD SYP TMT TRY UZS VES")
    }

    private static func pairs(old: [String: String] = [:]) -> String {
        let more = [
            ("UZS", "13765.2"), ("TMT", "4.0369"), ("KWD", "0.35412"), ("SYP", "12750.5"),
            ("VES", "285.11"), ("BGN", "1.9558"),
        ]
        let pairs = ([("EUR", "1")] + bankRates + more).map { code, rate in
            let day = old[code] ?? (code == "TMT" ? "2026-11-28" : "2026-11-27")
            return #"{"date":"\#(day)","base":"EUR","quote":"\#(code)","rate":\#(rate)}"#
        }
        return "[\(pairs.joined(separator: ",\n"))]"
    }

    private static let pairsTotals = [
        "USD 113899.08", "EUR 98750.72", "JPY 16979199", "KWD 34969.606",
    ]

    @Test(arguments: ["2026-11-27T07:00:00Z", "2026-11-27T10:30:00Z"])
    func `a pair dated tomorrow is used`(now: String) throws {
        var told = try Told()
        try told.take(Self.pairs(), of: .frankfurter, at: RatesFixture.time(now))
        #expect(try told.totals("USD", "EUR", "JPY", "KWD") == Self.pairsTotals)
        #expect(told.leftOut == "")
    }

    @Test func `old pairs keep their day and are stale`() throws {
        var told = try Told()
        try told.take(
            Self.pairs(old: ["USD": "2026-11-15", "GBP": "2026-11-15"]), of: .frankfurter)
        #expect(try told.totals("USD", "EUR", "JPY", "KWD") == Self.pairsTotals)
        let reading = try #require(told.book.reading)
        let old = ["GBP", "USD"].map(RatesFixture.currency)
        #expect(old.map { reading.days[$0] } == ["2026-11-15", "2026-11-15"])
        #expect(reading.stale(at: Self.saturday) == Set(old))
    }

    // MARK: Open Exchange Rates

    private static let openRates = [
        ("USD", "1"), ("EUR", "0.867"), ("GBP", "0.7486"), ("JPY", "149.07"), ("CHF", "0.8093"),
        ("BGN", "1.6957"), ("SEK", "9.502"), ("IDR", "16722"), ("TRY", "41.778"),
        ("KWD", "0.30703"), ("VES", "247.2"), ("SYP", "11055"), ("UZS", "11934"), ("TMT", "3.5"),
        ("CZK", "21.07"), ("ISK", "127.36"), ("HUF", "331.28"), ("BTC", "0.000010973"),
        ("XAU", "0.00023"),
    ]
    /// The timestamps of the two documents.
    private static let first: Int64 = 1_795_862_400
    private static let second = first + 3_600

    /// The document with changed rates; nil removes a rate.
    private static func open(_ timestamp: Int64, _ changes: [String: String?] = [:]) -> String {
        let known = openRates.map(\.0)
        let rates = openRates.compactMap { code, rate in
            changes[code].map { $0.map { (code, $0) } } ?? (code, rate)
        }
        let added = changes.compactMap { code, rate in
            known.contains(code) ? nil : rate.map { (code, $0) }
        }
        let members = (rates + added).map { "\"\($0)\":\($1)" }.joined(separator: ",")
        return """
            {"disclaimer":"d","license":"l","timestamp":\(timestamp),"base":"USD",\
            "rates":{\(members)}}
            """
    }

    private static let openTotals = [
        "USD 113899.24", "EUR 98750.64", "JPY 16978960", "KWD 34970.484",
    ]

    /// With the euro at 0.868.
    private static let nextTotals = [
        "USD 113797.53", "EUR 98776.26", "JPY 16963798", "KWD 34939.256",
    ]

    private static func told(
        _ first: [String: String?], then second: [String: String?]? = nil
    ) throws -> Told {
        var told = try Told()
        try told.take(
            open(Self.first, first), of: .openExchangeRates,
            at: UnixTime(seconds: Self.first + 60))
        if let second {
            try told.take(
                open(Self.second, second), of: .openExchangeRates,
                at: UnixTime(seconds: Self.second + 60))
        }
        return told
    }

    @Test func `a redenomination holds back one currency until it is repeated`() throws {
        let changes = ["EUR": "0.868", "SYP": "110.55"]
        var told = try Self.told([:], then: changes)
        #expect(try told.totals("USD", "EUR", "JPY", "KWD") == Self.nextTotals)
        let held = try #require(told.book.reading?.held.first)
        #expect(told.held == ["SYP jump"])
        #expect(held.rate.description == "11055")
        #expect(held.offered?.description == "110.55")
        for hour in Int64(1)...2 {
            let timestamp = Self.second + hour * 3_600
            try told.take(
                Self.open(timestamp, changes), of: .openExchangeRates,
                at: UnixTime(seconds: timestamp + 60))
        }
        #expect(told.held == [])
        #expect(
            try told.totals("USD", "EUR", "JPY", "KWD") == [
                "USD 113797.98", "EUR 98776.65", "JPY 16963865", "KWD 34939.394",
            ])
    }

    @Test func `a jump of an unpublished currency holds nothing back`() throws {
        let told = try Self.told(["ZWG": "26.7"], then: ["EUR": "0.868", "ZWG": "42"])
        #expect(try told.totals("USD", "EUR", "JPY", "KWD") == Self.nextTotals)
        #expect(told.leftOut == "")
    }

    @Test func `three currencies missing from an answer keep their last good rates`() throws {
        let told = try Self.told([:], then: ["EUR": nil, "SEK": nil, "IDR": nil])
        #expect(try told.totals("USD", "EUR", "JPY", "KWD") == Self.openTotals)
        #expect(told.held == ["EUR missing", "IDR missing", "SEK missing"])
    }

    @Test(arguments: ["null", "0"])
    func `an unpublished currency without a rate changes nothing`(text: String) throws {
        let told = try Self.told(["SLL": text])
        #expect(try told.totals("USD", "EUR", "JPY", "KWD") == Self.openTotals)
        #expect(told.held == [])
        #expect(told.leftOut == "")
    }
}
