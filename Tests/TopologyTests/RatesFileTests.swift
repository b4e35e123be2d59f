import Hashing
import Money
import Testing
import TopologyFile

@Suite struct RatesFileTests {
    static let sound = """
        {
          "base": "EUR",
          "date": "2026-03-25",
          "source": "a test",
          "rates": {
            "USD": "1.0842",
            "JPY": 163.270,
            "EUR": 1
          }
        }

        """

    private func complaints(_ text: String) throws -> [String] {
        try TemporaryFolder.with(["rates.json": text]) { folder in
            do {
                _ = try RatesFile.load(path: "\(folder.path)/rates.json")
                return []
            } catch let error as TopologyFileError {
                return folder.shortened(error.description).split(separator: "\n").map(String.init)
            }
        }
    }

    @Test func `rates are read exactly, as text or number`() throws {
        try TemporaryFolder.with(["rates.json": Self.sound]) { folder in
            let rates = try RatesFile.load(path: "\(folder.path)/rates.json")
            #expect(rates.base.code == "EUR")
            #expect(rates.date == "2026-03-25")
            #expect(rates.source == "a test")
            #expect(
                rates.id
                    == FNV1a.hash("a test\n2026-03-25\nEUR\nJPY 163.27\nUSD 1.0842\n".utf8)
                    .hexadecimal)
            #expect(rates.currencies.map(\.code) == ["EUR", "JPY", "USD"])
            let yen = try #require(Currency(code: "JPY"))
            let dollar = try #require(Currency(code: "USD"))
            #expect(rates.rate(of: yen) == (try ExchangeRate("163.27")))
            #expect(rates.rate(of: dollar) == (try ExchangeRate("1.0842")))
        }
    }

    @Test func `a number with more digits than floating point holds stays exact`() throws {
        let text = Self.sound.replacing("163.270", with: "163.270000000000001")
        try TemporaryFolder.with(["rates.json": text]) { folder in
            let yen = try #require(Currency(code: "JPY"))
            let rate = try RatesFile.load(path: "\(folder.path)/rates.json").rate(of: yen)
            #expect(rate?.mantissa == 163_270_000_000_000_001)
            #expect(rate?.scale == 15)
        }
    }

    @Test func `an exponent moves the point, and a byte order mark is skipped`() throws {
        let text = "\u{FEFF}" + Self.sound.replacing("163.270", with: "1.63270e+02")
        try TemporaryFolder.with(["rates.json": text]) { folder in
            let yen = try #require(Currency(code: "JPY"))
            let rates = try RatesFile.load(path: "\(folder.path)/rates.json")
            #expect(rates.rate(of: yen) == (try ExchangeRate("163.27")))
        }
    }

    @Test(arguments: [
        (#"https:\/\/rates.example\/fx"#, "https://rates.example/fx"),
        (#"caf\u00e9 \ud83d\uDCB6!"#, "café \u{1F4B6}!"), (#"a\\ud83d"#, #"a\ud83d"#),
    ])
    func `a text is read with JSON escapes`(escaped: String, source: String) throws {
        let text = Self.sound.replacing("a test", with: escaped)
        try TemporaryFolder.with(["rates.json": text]) { folder in
            let rates = try RatesFile.load(path: "\(folder.path)/rates.json")
            #expect(rates.source == source)
        }
    }

    @Test func `half a surrogate pair is refused`() throws {
        let text = Self.sound.replacing("a test", with: #"\ud83d"#)
        #expect(try complaints(text).count == 1)
    }

    @Test func `every problem is reported at once`() throws {
        let text = """
            {
              "base": "eur",
              "date": "2026-02-29",
              "source": "",
              "rates": {
                "USD": "-1.0842",
                "JPY": 1.6e,
                "GBP": 0.000,
                "CHF": [1],
                "XAU": 1,
                "CAD": "1.4915000000000000001",
                "USD": 1
              },
              "extra": null
            }
            """
        #expect(
            try complaints(text) == [
                "rates.json:2: base: expected a currency code of ISO 4217 in upper case",
                "rates.json:3: date: expected a day such as 2026-03-25",
                "rates.json:4: source: expected 1 to 200 bytes of text",
                "rates.json:6: rates.USD: expected a rate above zero",
                "rates.json:7: rates.JPY: expected a rate in decimal digits",
                "rates.json:8: rates.GBP: expected a rate above zero",
                "rates.json:9: rates.CHF: expected a rate in decimal digits",
                "rates.json:10: rates.XAU: expected a currency code of ISO 4217 in upper case as"
                    + " key",
                "rates.json:11: rates.CAD: expected a rate of at most 18 digits in 32 bytes",
                "rates.json:12: rates.USD: expected each key once, but it is also on line 6",
                "rates.json:14: extra: expected one of the keys base, date, rates, source",
            ])
    }

    @Test func `the base's own rate is one`() throws {
        #expect(
            try complaints(Self.sound.replacing("\"EUR\": 1\n", with: "\"EUR\": 1.01\n"))
                == ["rates.json:8: rates.EUR: expected 1 as the base's own rate"])
    }

    @Test func `missing keys are reported`() throws {
        #expect(
            try complaints("{}") == [
                "rates.json:1: base: expected a currency code of ISO 4217 in upper case, but the"
                    + " key is missing",
                "rates.json:1: date: expected a day such as 2026-03-25, but the key is missing",
                "rates.json:1: rates: expected rates by currency code, but the key is missing",
                "rates.json:1: source: expected 1 to 200 bytes of text, but the key is missing",
            ])
    }

    @Test(arguments: ["<html>Request Rejected</html>", "", "null", "[]", "{", "\"EUR\""])
    func `other files are refused`(text: String) throws {
        #expect(try complaints(text).count == 1)
    }
}
