import Money
import RatesFeed
import Testing
import Topology

@Suite("The European Central Bank's document") struct EuropeanCentralBankTests {
    private static func problem(_ text: String) -> RatesProblem? {
        RatesFixture.problem(text, of: .europeanCentralBank)
    }

    @Test func `rates are taken digit by digit, the euro is one`() throws {
        let rates = try RatesFixture.read(RatesFixture.centralBank, of: .europeanCentralBank)
        #expect(rates.set.source == "ECB")
        #expect(rates.set.date == "2026-11-20")
        #expect(rates.set.base.code == "EUR")
        #expect(
            RatesFixture.listed(rates.set)
                == ["EUR 1", "GBP 0.84638", "JPY 171.94", "KRW 1474.86", "USD 1.0705"])
        #expect(rates.publishedAt == nil)
        #expect(rates.earlierDates.isEmpty)
    }

    @Test func `quotes, spaces and comments may differ, and unknown codes are passed over`() throws
    {
        let other = RatesFixture.centralBank
            .replacing(
                "<Cube currency='USD' rate='1.0705'/>",
                with: "<!-- a -- b --><Cube\n  rate = \"1.07050\" currency = \"USD\" ></Cube >"
            )
            .replacing("'KRW'", with: "'XDR'")
        let rates = try RatesFixture.read("\u{FEFF}" + other + "\n\n", of: .europeanCentralBank)
        #expect(
            RatesFixture.listed(rates.set)
                == ["EUR 1", "GBP 0.84638", "JPY 171.94", "USD 1.0705"])
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
        // Entities, by any road.
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
        ("</Cube>\n\t</Cube>", "</Cube><Cube time='2026-11-19'/>\n\t</Cube>"),
        ("currency='USD' rate='1.0705'", "currency='USD'"),
        ("currency='USD' rate='1.0705'", "rate='1.0705'"),
        ("currency='JPY' rate='171.94'", "currency='USD' rate='1.0706'"),
        // No rates.
        ("'1.0705'", "'NaN'"), ("'1.0705'", "'N/A'"), ("'1.0705'", "'1e3'"), ("'1.0705'", "''"),
        ("'1.0705'", "'1,0705'"), ("'1.0705'", "' 1.0705'"), ("'1.0705'", "'+1.0705'"),
        ("'1.0705'", "'Infinity'"), ("'1.0705'", "'01.0705'"), ("'1.0705'", "'.5'"),
        ("'1.0705'", "'0x1'"), ("'1.0705'", "'99999999999999999999999999999999999'"),
        ("'1.0705'", "'1.0000000000000000001'"), ("'USD' rate='1.0705'", "'EUR' rate='1.0705'"),
    ])
    func `anything else is malformed`(part: String, replacement: String) throws {
        let text = RatesFixture.centralBank.replacing(part, with: replacement)
        #expect(text != RatesFixture.centralBank)
        #expect(Self.problem(text) == .malformed)
    }

    @Test(arguments: ["0", "0.000", "-1.0705", "-0"])
    func `a rate of zero or below refuses the set`(rate: String) {
        #expect(
            Self.problem(RatesFixture.centralBank.replacing("1.0705", with: rate))
                == .notPositive)
    }

    @Test func `hostile sizes end early`() {
        let deep = String(repeating: "<a>", count: 100_000)
        #expect(Self.problem(deep) == .malformed)
        #expect(
            Self.problem(
                RatesFixture.centralBank.replacing("Reference rates", with: deep)) == .malformed)
        let many = String(repeating: "<Cube currency='XXX' rate='1'/>", count: 3_000)
        #expect(
            Self.problem(
                RatesFixture.centralBank.replacing("</Cube>\n", with: many + "</Cube>\n"))
                == .malformed)
        let attributes = (0..<9).map { "a\($0)='1'" }.joined(separator: " ")
        #expect(
            Self.problem(
                RatesFixture.centralBank.replacing("time=", with: "\(attributes) time="))
                == .malformed)
        let large = String(repeating: " ", count: RatesDocument.maximumBytes)
        #expect(Self.problem(RatesFixture.centralBank + large) == .malformed)
    }

    @Test(arguments: [
        "", " ", "<html><body>Request Rejected</body></html>", "{}", RatesFixture.frankfurter,
        "<gesmes:Envelope/>",
        "<gesmes:Envelope><Cube><Cube time='2026-11-20'/></Cube>"
            + "</gesmes:Envelope>",
    ])
    func `what is no such document is refused whatever the status said`(text: String) {
        #expect(Self.problem(text) == .malformed)
    }

    @Test func `errors repeat nothing of the document`() {
        let canary = RatesFixture.centralBank.replacing("1.0705", with: "canary\u{1B}[2J")
        let error = #expect(throws: RatesDocumentError.self) {
            try RatesFixture.read(canary, of: .europeanCentralBank)
        }
        #expect(error?.description == "USD: expected a rate in plain decimal digits")
    }
}
