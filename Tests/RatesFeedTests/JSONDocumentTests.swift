import CivilTime
import Gzip
import Hashing
import Money
import RatesCore
import RatesFeed
import Testing
import Topology

@Suite("JSON documents") struct JSONDocumentTests {
    @Test func `Open Exchange Rates gives the second of publication`() throws {
        let rates = try RatesFixture.read(
            RatesFixture.openExchangeRates, of: .openExchangeRates)
        #expect(rates.source == "Open Exchange Rates")
        #expect(rates.base.code == "USD")
        #expect(rates.day == "2026-11-20")
        #expect(rates.publishedAt == UnixTime(seconds: RatesFixture.timestamp))
        #expect(
            RatesFixture.listed(rates) == [
                "EUR 0.934142", "GBP 0.790629", "JPY 160.61467538", "KWD 0.306712",
            ])
    }

    @Test func `Frankfurter's first version is one object`() throws {
        let rates = try RatesFixture.read(RatesFixture.frankfurter, of: .frankfurter)
        #expect(rates.source == "Frankfurter")
        #expect(rates.base.code == "EUR")
        #expect(rates.day == "2026-11-20")
        #expect(rates.publishedAt == nil)
        #expect(
            RatesFixture.listed(rates) == ["GBP 0.84638", "JPY 171.94", "USD 1.0705"])
    }

    @Test func `Frankfurter's second version has a day for each pair`() throws {
        let rates = try RatesFixture.read(RatesFixture.frankfurterSecond, of: .frankfurter)
        #expect(rates.day == "2026-11-20")
        // Gold is not a currency.
        let days = rates.quotes.sorted { $0.key < $1.key }.map { "\($0) \($1.rate) \($1.day)" }
        #expect(
            days == [
                "CNY 7.7748 2026-11-18", "GBP 0.84638 2026-11-20", "RUB 91.5 2026-11-05",
                "USD 1.0705 2026-11-20",
            ])
    }

    @Test func `the newer of two rates counts, and neither if they differ on one day`() throws {
        let pair = #"{"date":"2026-11-20","base":"EUR","quote":"GBP","rate":0.84638},"#
        func rates(_ day: String, _ rate: String) throws -> PublishedRates {
            let other = #"{"date":"\#(day)","base":"EUR","quote":"GBP","rate":\#(rate)},"#
            return try RatesFixture.read(
                RatesFixture.frankfurterSecond.replacing(pair, with: pair + other),
                of: .frankfurter)
        }
        let pound = RatesFixture.currency("GBP")
        #expect(try rates("2026-11-19", "0.9").quotes[pound]?.rate == ExchangeRate("0.84638"))
        #expect(try rates("2026-11-21", "0.9").quotes[pound]?.rate == ExchangeRate("0.9"))
        #expect(try rates("2026-11-20", "0.84638").quotes[pound]?.rate == ExchangeRate("0.84638"))
        #expect(try rates("2026-11-20", "0.9").quotes[pound] == nil)
        #expect(RatesFixture.flaws(try rates("2026-11-20", "0.9").flaws) == ["GBP malformed"])
    }

    @Test func `exponents are exact, and a byte order mark is skipped`() throws {
        let text = """
            \u{FEFF}{"amount":1.0,"base":"IDR","date":"2026-11-27",\
            "rates":{"USD":5.9802e-05,"EUR":5.1848E-5,"JPY":0.0089147,"KWD":"1.8e-5"}}
            """
        let rates = try RatesFixture.read(text, of: .frankfurter)
        #expect(
            RatesFixture.listed(rates)
                == ["EUR 0.000051848", "JPY 0.0089147", "KWD 0.000018", "USD 0.000059802"])
    }

    @Test(arguments: RatesProvider.allCases)
    func `gzip is read although not requested, and damaged gzip is refused`(
        provider: RatesProvider
    ) throws {
        let plain = Array(RatesFixture.document(of: provider).utf8)
        let packed = try #require(Gzip.compress(plain + [UInt8](repeating: 0x20, count: 400)))
        #expect(
            RatesFixture.listed(try RatesDocument.read(packed, of: provider))
                == RatesFixture.listed(try RatesDocument.read(plain, of: provider)))
        for bytes in [packed.dropLast(), packed.dropLast(9), packed.prefix(20)] {
            #expect(throws: RatesDocumentError.self) {
                try RatesDocument.read(Array(bytes), of: provider)
            }
        }
        let large = [UInt8](repeating: 0x20, count: RatesDocument.maximumBytes + 1)
        let bomb = try #require(Gzip.compress(large))
        #expect(throws: RatesDocumentError.self) {
            try RatesDocument.read(bomb, of: provider)
        }
    }

    @Test func `more digits than floating point holds stay exact`() throws {
        // 2^53 + 1 and 17 decimals, which a double cannot hold.
        for digits in ["9007199254740993", "1.23456789012345678", "0.100000000000000005"] {
            let text = RatesFixture.openExchangeRates.replacing("0.934142", with: digits)
            let rates = try RatesFixture.read(text, of: .openExchangeRates)
            #expect(rates.quotes[RatesFixture.currency("EUR")]?.rate.description == digits)
        }
        let quoted = RatesFixture.frankfurter.replacing("1.0705", with: "\"1.070500\"")
        let rates = try RatesFixture.read(quoted, of: .frankfurter)
        #expect(rates.quotes[RatesFixture.currency("USD")]?.rate.description == "1.0705")
    }

    @Test(arguments: [RatesProvider.frankfurter, .openExchangeRates])
    func `a document cut anywhere gives no rates`(provider: RatesProvider) {
        let bytes = Array(RatesFixture.document(of: provider).utf8)
        for count in 0..<bytes.count {
            #expect(throws: RatesDocumentError.self, "cut after \(count)") {
                try RatesDocument.read(Array(bytes[..<count]), of: provider)
            }
        }
    }

    /// Text instead of the dollar's rate, and the resulting flaw.
    @Test(arguments: [
        ("1.5e+400", RatesProblem.malformed), ("null", .malformed), ("true", .malformed),
        ("[1.07]", .malformed), ("{}", .malformed), ("\"\"", .malformed),
        ("\"1,07\"", .malformed), ("99999999999999999999", .malformed),
        ("0", .notPositive), ("0.0", .notPositive), ("-1.0705", .notPositive),
        ("\"-1\"", .notPositive),
    ])
    func `an element that is not a rate is left out and named, and the others are taken`(
        text: String, problem: RatesProblem
    ) throws {
        for (document, provider) in try Self.documents(withDollarAt: text) {
            let rates = try RatesFixture.read(document, of: provider)
            let flawed = provider == .openExchangeRates ? "EUR" : "USD"
            #expect(RatesFixture.flaws(rates.flaws) == ["\(flawed) \(problem)"])
            #expect(rates.quotes[RatesFixture.currency("GBP")] != nil)
        }
    }

    @Test(arguments: [
        "NaN", "Infinity", "01.07", "+1.07", "1.", ".5", "0x10", "-", "1.0705 1",
        String(repeating: "9", count: 100_000),
    ])
    func `a document with text that is not a JSON value is refused`(text: String) throws {
        for (document, provider) in try Self.documents(withDollarAt: text) {
            #expect(RatesFixture.isRefused(document, of: provider))
        }
    }

    private static func documents(
        withDollarAt text: String
    ) throws -> [(String, RatesProvider)] {
        [
            (RatesFixture.frankfurter.replacing("1.0705", with: text), .frankfurter),
            (
                RatesFixture.frankfurterSecond.replacing(
                    "\"rate\":1.0705,\n", with: "\"rate\":\(text),\n"), .frankfurter
            ),
            (
                RatesFixture.openExchangeRates.replacing("0.934142", with: text),
                .openExchangeRates
            ),
        ]
    }

    @Test(arguments: [
        (RatesProvider.frankfurter, "\"amount\":1.0", "\"amount\":100"),
        (.frankfurter, "\"amount\":1.0", "\"amount\":null"),
        (.frankfurter, "\"EUR\"", "\"eur\""), (.frankfurter, "\"EUR\"", "\"BTC\""),
        (.frankfurter, "\"base\":\"EUR\",", ""), (.frankfurter, "2026-11-20", "2026-11-31"),
        (.frankfurter, "\"2026-11-20\"", "20261120"),
        (.frankfurter, "\"rates\":{", "\"rates\":[{"),
        (.frankfurter, "\"USD\":1.0705", "\"USD\":1.0705,"),
        (.frankfurter, "\"USD\":1.0705", "\"EUR\":1.0705"),
        (.frankfurter, "\"USD\":1.0705}}", "\"USD\":1.0705}}{}"),
        (.frankfurter, "\"USD\":1.0705}}", "\"USD\":1.0705}}\u{0}"),
        (.frankfurter, "\"base\"", "'base'"), (.frankfurter, "\"base\":", "\"base\""),
        (.frankfurter, "\"base\"", "\"ba\nse\""), (.frankfurter, "\"base\"", "\"ba\\xse\""),
        (.frankfurter, "\"base\"", "\"\\uD800\""), (.frankfurter, "\"base\"", "\"\\uZZZZ\""),
        (.openExchangeRates, "1795194005", "\"1795194005\""),
        (.openExchangeRates, "1795194005", "1795194005.5"),
        (.openExchangeRates, "1795194005", "-1795194005"), (.openExchangeRates, "1795194005", "0"),
        (.openExchangeRates, "1795194005", "1795194005000"),
        (.openExchangeRates, "1795194005", "99999999999999999999"),
        (.openExchangeRates, "\"USD\": 1,", "\"USD\": 1.01,"),
        (.openExchangeRates, "\"base\": \"USD\"", "\"base\": 1"),
    ])
    func `anything else is refused`(
        provider: RatesProvider, part: String, replacement: String
    ) {
        let sound = RatesFixture.document(of: provider)
        let text = sound.replacing(part, with: replacement)
        #expect(text != sound)
        #expect(RatesFixture.isRefused(text, of: provider))
    }

    /// A change to the second version, and the remaining ones of dollar, pound and yuan.
    @Test(arguments: [
        ("\"EUR\",\"quote\":\"USD\"", "\"USD\",\"quote\":\"USD\"", ["CNY", "GBP"]),
        ("\"quote\":\"USD\"", "\"quote\":\"GBP\"", ["CNY"]),
        ("\"quote\":\"USD\",", "", ["CNY", "GBP"]),
        ("\"quote\":\"USD\"", "\"quote\":1", ["CNY", "GBP"]),
        ("\"date\":\"2026-11-18\"", "\"date\":\"\"", ["GBP", "USD"]),
        ("\"date\":\"2026-11-18\",", "", ["GBP", "USD"]),
        ("},\n {\"date\":\"2026-11-18\"", "},[], 7, {\"date\":\"2026-02-30\"", ["GBP", "USD"]),
    ])
    func `an element that is not a pair is skipped`(
        part: String, replacement: String, left: [String]
    ) throws {
        let text = RatesFixture.frankfurterSecond.replacing(part, with: replacement)
        #expect(text != RatesFixture.frankfurterSecond)
        let rates = try RatesFixture.read(text, of: .frankfurter)
        #expect(rates.quotes.keys.sorted().map(\.code) == (left + ["RUB"]).sorted())
    }

    @Test func `a repeated key counts only if its values are equal`() throws {
        func rates(_ again: String) throws -> PublishedRates {
            let text = RatesFixture.frankfurter.replacing(
                "\"USD\":1.0705", with: "\"USD\":1.0705,\(again)")
            return try RatesFixture.read(text, of: .frankfurter)
        }
        #expect(try rates("\"USD\":1.0705").flaws.isEmpty)
        #expect(RatesFixture.flaws(try rates("\"\\u0055SD\":1.07").flaws) == ["USD malformed"])
    }

    @Test(
        arguments: [RatesProvider.frankfurter, .openExchangeRates],
        [
            "", " ", "null", "[]", "{}", "[{}]", "1", "\"\"", "<html>Request Rejected</html>",
            #"{"error":true,"status":401,"message":"invalid_app_id","description":"…"}"#,
            #"{"amount":1.0,"base":"EUR","date":"2026-11-20","rates":{}}"#,
            #"{"timestamp":1795194005,"base":"USD","rates":{"BTC":1,"XAU":2}}"#,
        ])
    func `other documents are refused, whatever the status`(
        provider: RatesProvider, text: String
    ) {
        #expect(RatesFixture.isRefused(text, of: provider))
    }

    @Test(arguments: [RatesProvider.frankfurter, .openExchangeRates])
    func `hostile sizes are refused early`(provider: RatesProvider) {
        for text in [
            String(repeating: "[", count: 1_000_000),
            String(repeating: "{\"a\":", count: 200_000),
            "[" + String(repeating: "1,", count: 500_000) + "1]",
            "\"" + String(repeating: "a", count: RatesDocument.maximumBytes),
        ] {
            #expect(RatesFixture.isRefused(text, of: provider))
        }
    }

    @Test func `text that is not UTF-8 is malformed`() {
        var bytes = Array(RatesFixture.openExchangeRates.utf8)
        bytes[30] = 0xFF
        #expect(throws: RatesDocumentError.self) {
            try RatesDocument.read(bytes, of: .openExchangeRates)
        }
    }

    @Test(arguments: RatesProvider.allCases)
    func `a document changed at random gives sound rates or an error`(provider: RatesProvider) {
        var random = SplitMix64(seed: 20_261_120)
        let sound = Array(RatesFixture.document(of: provider).utf8)
        let alphabet = Array("<>&'\"/{}[]:,.-+eE0123456789\\u USD!?=\u{0}\n".utf8)
        var refused = 0
        for _ in 0..<20_000 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[at] = byte
                case 1: bytes.insert(byte, at: at)
                default: bytes.remove(at: at)
                }
            }
            guard let rates = try? RatesDocument.read(bytes, of: provider) else {
                refused += 1
                continue
            }
            #expect(!rates.quotes.isEmpty)
            #expect(rates.quotes[rates.base] == nil)
            #expect(rates.flaws.keys.allSatisfy { rates.quotes[$0] == nil })
        }
        #expect((2_000..<19_900).contains(refused), "\(refused) refused")
    }
}
