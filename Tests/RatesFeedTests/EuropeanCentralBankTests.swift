import Identifiers
import Money
import RatesCore
import RatesFeed
import Testing
import Topology

@Suite("The European Central Bank's document") struct EuropeanCentralBankTests {
    private static func isRefused(_ text: String) -> Bool {
        RatesFixture.isRefused(text, of: .europeanCentralBank)
    }

    @Test func `rates are read exactly, and the euro is one`() throws {
        let rates = try RatesFixture.read(RatesFixture.centralBank, of: .europeanCentralBank)
        #expect(rates.source == "ECB")
        #expect(rates.day == "2026-11-20")
        #expect(rates.base.code == "EUR")
        #expect(
            RatesFixture.listed(rates)
                == ["GBP 0.84638", "JPY 171.94", "KRW 1474.86", "USD 1.0705"])
        #expect(rates.publishedAt == nil)
        #expect(rates.flaws.isEmpty)
    }

    @Test func `quotes, spaces and comments may differ, and unknown codes are skipped`() throws {
        let other = RatesFixture.centralBank
            .replacing(
                "<Cube currency='USD' rate='1.0705'/>",
                with: "<!-- a -- b --><Cube\n  rate = \"1.07050\" currency = \"USD\" ></Cube >"
            )
            .replacing("'KRW'", with: "'XDR'")
        let rates = try RatesFixture.read("\u{FEFF}" + other + "\n\n", of: .europeanCentralBank)
        #expect(
            RatesFixture.listed(rates) == ["GBP 0.84638", "JPY 171.94", "USD 1.0705"])
    }

    /// The bank's history currently lists the newest day first; either order must work.
    @Test func `only the newest of several days counts`() throws {
        let today = "<Cube time='2026-11-20'>"
        let older = "<Cube time='2026-11-19'><Cube currency='USD' rate='9'/></Cube>"
        for text in [
            RatesFixture.centralBank.replacing(today, with: older + today),
            RatesFixture.centralBank.replacing("\t</Cube>\n", with: older + "</Cube>"),
        ] {
            let rates = try RatesFixture.read(text, of: .europeanCentralBank)
            #expect(rates.day == "2026-11-20")
            #expect(RatesFixture.listed(rates).last == "USD 1.0705")
        }
    }

    @Test func `a document cut anywhere gives no rates`() {
        let bytes = Array(RatesFixture.centralBank.utf8)
        for count in 0..<bytes.count {
            #expect(throws: RatesDocumentError.self, "cut after \(count)") {
                try RatesDocument.read(Array(bytes[..<count]), of: .europeanCentralBank)
            }
        }
    }

    @Test(arguments: [
        // Entities of any kind.
        ("<gesmes:Envelope", "<!DOCTYPE a [<!ENTITY b \"1\">]>\n<gesmes:Envelope"),
        ("Reference rates", "&amp;"), ("Reference rates", "&#82;"), ("1.0705", "&b;"),
        ("Reference rates", "<![CDATA[x]]>"), ("Reference rates", "<?php ?>"),
        // Not well-formed.
        ("</gesmes:subject>", "</gesmes:Subject>"), ("</gesmes:subject>", ""),
        ("rate='1.0705'", "rate='1.0705' rate='1.0705'"), ("rate='1.0705'", "rate=1.0705"),
        ("currency='USD' rate", "currency='USD'rate"), ("'1.0705'/>", "'1.0705'"),
        ("'1.0705'/>", "'1.0705/>"), ("</gesmes:Envelope>", "</gesmes:Envelope><a/>"),
        ("</gesmes:Envelope>", "</gesmes:Envelope>x"), ("<?xml", "x<?xml"),
        ("<?xml", "<a/><?xml"), ("'USD'", "'U<D'"),
        // Another document.
        ("gesmes:Envelope", "Envelope"), ("'2026-11-20'", "'2026-11-31'"),
        ("time='2026-11-20'", "day='2026-11-20'"), (" time='2026-11-20'", ""),
        // If the euro's own rate is not 1, no other rate can be trusted.
        ("'USD' rate='1.0705'", "'EUR' rate='1.0705'"),
    ])
    func `anything else is refused`(part: String, replacement: String) throws {
        let text = RatesFixture.centralBank.replacing(part, with: replacement)
        #expect(text != RatesFixture.centralBank)
        #expect(Self.isRefused(text))
    }

    @Test(arguments: [
        ("rate='1.0705'", "", RatesProblem.malformed), ("1.0705", "NaN", .malformed),
        ("1.0705", "N/A", .malformed), ("1.0705", "", .malformed), ("1.0705", "1,0705", .malformed),
        ("1.0705", " 1.0705", .malformed), ("1.0705", "+1.0705", .malformed),
        ("1.0705", "Infinity", .malformed), ("1.0705", "01.0705", .malformed),
        ("1.0705", ".5", .malformed), ("1.0705", "0x1", .malformed),
        ("1.0705", "99999999999999999999999999999999999", .malformed),
        ("1.0705", "1.0000000000000000001", .malformed),
        (
            "<Cube currency='JPY' rate='171.94'/>", "<Cube currency='USD' rate='1.0706'/>",
            .malformed
        ),
        ("1.0705", "0", .notPositive), ("1.0705", "0.000", .notPositive),
        ("1.0705", "-1.0705", .notPositive), ("1.0705", "-0", .notPositive),
    ])
    func `an element that is not a rate is left out and named, and the others are taken`(
        part: String, replacement: String, problem: RatesProblem
    ) throws {
        let text = RatesFixture.centralBank.replacing(part, with: replacement)
        #expect(text != RatesFixture.centralBank)
        let rates = try RatesFixture.read(text, of: .europeanCentralBank)
        #expect(RatesFixture.flaws(rates.flaws) == ["USD \(problem)"])
        #expect(rates.quotes[RatesFixture.currency("USD")] == nil)
        #expect(rates.quotes[RatesFixture.currency("GBP")]?.rate == (try ExchangeRate("0.84638")))
    }

    @Test func `hostile sizes are refused early`() {
        let deep = String(repeating: "<a>", count: 100_000)
        #expect(Self.isRefused(deep))
        #expect(Self.isRefused(RatesFixture.centralBank.replacing("Reference rates", with: deep)))
        let many = String(repeating: "<Cube currency='XXX' rate='1'/>", count: 3_000)
        #expect(
            Self.isRefused(
                RatesFixture.centralBank.replacing("</Cube>\n", with: many + "</Cube>\n")))
        let attributes = (0..<9).map { "a\($0)='1'" }.joined(separator: " ")
        #expect(
            Self.isRefused(RatesFixture.centralBank.replacing("time=", with: "\(attributes) time="))
        )
        let large = String(repeating: " ", count: RatesDocument.maximumBytes)
        #expect(Self.isRefused(RatesFixture.centralBank + large))
    }

    @Test(arguments: [
        "", " ", "<html><body>Request Rejected</body></html>", "{}", RatesFixture.frankfurter,
        "<gesmes:Envelope/>",
        "<gesmes:Envelope><Cube><Cube time='2026-11-20'/></Cube>"
            + "</gesmes:Envelope>",
    ])
    func `other documents are refused, whatever the status`(text: String) {
        #expect(Self.isRefused(text))
    }

    @Test func `flaws repeat nothing of the document`() throws {
        let canary = RatesFixture.centralBank.replacing("1.0705", with: "canary\u{1B}[2J")
        let rates = try RatesFixture.read(canary, of: .europeanCentralBank)
        #expect(RatesFixture.flaws(rates.flaws) == ["USD malformed"])
    }
}
