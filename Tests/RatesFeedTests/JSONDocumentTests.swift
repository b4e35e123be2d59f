import CivilTime
import Money
import RatesFeed
import Testing
import Topology

@Suite("Documents of JSON") struct JSONDocumentTests {
    @Test func `Open Exchange Rates tells the second it published at`() throws {
        let rates = try RatesFixture.read(
            RatesFixture.openExchangeRates, of: .openExchangeRates)
        #expect(rates.set.source == "Open Exchange Rates")
        #expect(rates.set.base.code == "USD")
        #expect(rates.set.date == "2026-11-20")
        #expect(rates.publishedAt == UnixTime(seconds: RatesFixture.timestamp))
        #expect(
            RatesFixture.listed(rates.set) == [
                "EUR 0.934142", "GBP 0.790629", "JPY 160.61467538", "KWD 0.306712", "USD 1",
            ])
    }

    @Test func `Frankfurter's first version is one object`() throws {
        let rates = try RatesFixture.read(RatesFixture.frankfurter, of: .frankfurter)
        #expect(rates.set.source == "Frankfurter")
        #expect(rates.set.base.code == "EUR")
        #expect(rates.set.date == "2026-11-20")
        #expect(rates.publishedAt == nil)
        #expect(
            RatesFixture.listed(rates.set)
                == ["EUR 1", "GBP 0.84638", "JPY 171.94", "USD 1.0705"])
    }

    @Test func `Frankfurter's second version has a day for each pair`() throws {
        let rates = try RatesFixture.read(RatesFixture.frankfurterSecond, of: .frankfurter)
        #expect(rates.set.date == "2026-11-20")
        // The rouble's rate is 15 days old: none any more. Gold is no currency.
        #expect(
            RatesFixture.listed(rates.set)
                == ["CNY 7.7748", "EUR 1", "GBP 0.84638", "USD 1.0705"])
        #expect(rates.earlierDates == [RatesFixture.currency("CNY"): "2026-11-18"])
        let younger = RatesFixture.frankfurterSecond.replacing("11-05", with: "11-06")
        let kept = try RatesFixture.read(younger, of: .frankfurter)
        #expect(kept.set.rate(of: RatesFixture.currency("RUB")) != nil)
    }

    @Test func `more digits than floating point holds stay exact`() throws {
        // 2^53 + 1 and 17 digits of a fraction: a double would give other ones.
        for digits in ["9007199254740993", "1.23456789012345678", "0.100000000000000005"] {
            let text = RatesFixture.openExchangeRates.replacing("0.934142", with: digits)
            let set = try RatesFixture.read(text, of: .openExchangeRates).set
            #expect(set.rate(of: RatesFixture.currency("EUR"))?.description == digits)
        }
        let quoted = RatesFixture.frankfurter.replacing("1.0705", with: "\"1.070500\"")
        let set = try RatesFixture.read(quoted, of: .frankfurter).set
        #expect(set.rate(of: RatesFixture.currency("USD"))?.description == "1.0705")
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

    /// What stands in the place of a dollar's rate, and what is said about it.
    @Test(arguments: [
        ("NaN", RatesProblem.malformed), ("Infinity", .malformed), ("1e3", .malformed),
        ("1E-5", .malformed), ("1.5e+400", .malformed), ("null", .malformed),
        ("true", .malformed), ("[1.07]", .malformed), ("{}", .malformed), ("\"\"", .malformed),
        ("\"1,07\"", .malformed), ("01.07", .malformed), ("+1.07", .malformed),
        ("1.", .malformed), (".5", .malformed), ("0x10", .malformed), ("-", .malformed),
        ("1.0705 1", .malformed), ("99999999999999999999", .malformed),
        (String(repeating: "9", count: 100_000), .malformed),
        ("0", .notPositive), ("0.0", .notPositive), ("-1.0705", .notPositive),
        ("\"-1\"", .notPositive),
    ])
    func `what is no rate refuses the set`(text: String, problem: RatesProblem) {
        #expect(
            RatesFixture.problem(
                RatesFixture.frankfurter.replacing("1.0705", with: text), of: .frankfurter)
                == problem)
        #expect(
            RatesFixture.problem(
                RatesFixture.frankfurterSecond.replacing(
                    "\"rate\":1.0705,\n", with: "\"rate\":\(text),\n"), of: .frankfurter)
                == problem)
        #expect(
            RatesFixture.problem(
                RatesFixture.openExchangeRates.replacing("0.934142", with: text),
                of: .openExchangeRates) == problem)
    }

    @Test(arguments: [
        (RatesProvider.frankfurter, "\"amount\":1.0", "\"amount\":100"),
        (.frankfurter, "\"amount\":1.0", "\"amount\":null"),
        (.frankfurter, "\"EUR\"", "\"eur\""), (.frankfurter, "\"EUR\"", "\"BTC\""),
        (.frankfurter, "\"base\":\"EUR\",", ""), (.frankfurter, "2026-11-20", "2026-11-31"),
        (.frankfurter, "\"2026-11-20\"", "20261120"),
        (.frankfurter, "\"rates\":{", "\"rates\":[{"),
        (.frankfurter, "\"USD\":1.0705", "\"USD\":1.0705,\"USD\":1.0705"),
        (.frankfurter, "\"USD\":1.0705", "\"USD\":1.0705,"),
        (.frankfurter, "\"USD\":1.0705", "\"USD\":1.0705,\"\\u0055SD\":1.07"),
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
    func `anything else is malformed`(
        provider: RatesProvider, part: String, replacement: String
    ) {
        let sound = RatesFixture.document(of: provider)
        let text = sound.replacing(part, with: replacement)
        #expect(text != sound)
        #expect(RatesFixture.problem(text, of: provider) == .malformed)
    }

    @Test(arguments: [
        ("\"EUR\",\"quote\":\"USD\"", "\"USD\",\"quote\":\"USD\""),
        ("\"quote\":\"USD\"", "\"quote\":\"GBP\""), ("\"quote\":\"USD\",", ""),
        ("\"quote\":\"USD\"", "\"quote\":1"), ("\"date\":\"2026-11-18\"", "\"date\":\"\""),
        ("\"date\":\"2026-11-18\",", ""), ("},\n {\"date\":\"2026-11-18\"", "},[], {\"date\":\"\""),
    ])
    func `so it is in the second version`(part: String, replacement: String) {
        let text = RatesFixture.frankfurterSecond.replacing(part, with: replacement)
        #expect(text != RatesFixture.frankfurterSecond)
        #expect(RatesFixture.problem(text, of: .frankfurter) == .malformed)
    }

    @Test(
        arguments: [RatesProvider.frankfurter, .openExchangeRates],
        [
            "", " ", "null", "[]", "{}", "[{}]", "1", "\"\"", "<html>Request Rejected</html>",
            #"{"error":true,"status":401,"message":"invalid_app_id","description":"…"}"#,
            #"{"amount":1.0,"base":"EUR","date":"2026-11-20","rates":{}}"#,
            #"{"timestamp":1795194005,"base":"USD","rates":{"BTC":1,"XAU":2}}"#,
        ])
    func `what is no such document is refused whatever the status said`(
        provider: RatesProvider, text: String
    ) {
        #expect(RatesFixture.problem(text, of: provider) == .malformed)
    }

    @Test(arguments: [RatesProvider.frankfurter, .openExchangeRates])
    func `hostile sizes end early`(provider: RatesProvider) {
        for text in [
            String(repeating: "[", count: 1_000_000),
            String(repeating: "{\"a\":", count: 200_000),
            "[" + String(repeating: "1,", count: 500_000) + "1]",
            "\"" + String(repeating: "a", count: RatesDocument.maximumBytes),
        ] {
            #expect(RatesFixture.problem(text, of: provider) == .malformed)
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
        var random = SeededGenerator(seed: 20_261_120)
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
            #expect(rates.set.rate(of: rates.set.base) == .one)
            #expect(rates.set.currencies.count >= 2)
        }
        #expect((2_000..<19_900).contains(refused), "\(refused) refused")
    }
}
