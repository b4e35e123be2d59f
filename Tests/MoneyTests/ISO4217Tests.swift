import Money
import Testing

@Suite struct ISO4217Tests {
    /// The current codes by exponent, listed independently of the table.
    static let zero = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
    static let three = "BHD IQD JOD KWD LYD OMR TND"
    static let four = "CLF UYW"
    /// All the others have two digits.
    static let two = """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD \
        CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP \
        GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK \
        LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO \
        NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS \
        SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST \
        XAD XCD XCG XTS YER ZAR ZMW ZWG
        """

    private func current(exponent: Int) -> String {
        Currency.all.filter { $0.isCurrent && $0.exponent == exponent }.map(\.code)
            .joined(separator: " ")
    }

    @Test func `current codes have exactly the exponents of the standard`() {
        #expect(current(exponent: 0) == Self.zero)
        #expect(current(exponent: 2) == Self.two)
        #expect(current(exponent: 3) == Self.three)
        #expect(current(exponent: 4) == Self.four)
        #expect(current(exponent: 1) == "")
    }

    @Test func `165 current codes, the test code and 55 withdrawn ones`() {
        #expect(Currency.all.filter(\.isCurrent).count == 165 + 1)
        #expect(Currency.all.filter { !$0.isCurrent }.count == 55)
        #expect(Currency.count == 221)
    }

    @Test func `codes are sorted, unique and found by their text`() {
        let codes = Currency.all.map(\.code)
        #expect(codes == Set(codes).sorted())
        for currency in Currency.all {
            #expect(Currency(code: currency.code) == currency)
            #expect(String(decoding: currency.letters, as: UTF8.self) == currency.code)
            #expect(
                Currency.all.filter { $0.packedCode < currency.packedCode }.count
                    == Int(currency.index))
        }
    }

    @Test(arguments: [
        "AFN", "ALL", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD", "SOS", "SYP", "YER",
    ])
    func `currencies that locale libraries show without digits have two`(code: String) throws {
        #expect(try #require(Currency(code: code)).exponent == 2)
    }

    @Test func `the Iraqi dinar has three digits, unlike in locale libraries`() throws {
        #expect(try #require(Currency(code: "IQD")).exponent == 3)
    }

    @Test(arguments: ["XXX", "XAU", "XAG", "XDR", "CNH", "BTC", "RMB", "GBX"])
    func `codes without a minor unit and codes outside the standard are unknown`(code: String) {
        #expect(Currency(code: code) == nil)
    }

    @Test(arguments: ["", "US", "USDT", "usd", "Usd", "U D", "USé", "ＵＳＤ", "US\0"])
    func `anything but three upper-case letters is unknown`(code: String) {
        #expect(Currency(code: code) == nil)
    }

    @Test(arguments: [
        ("BGN", "1999-07", "2026-01", 2), ("HRK", "", "2023-01", 2), ("ANG", "", "2025-03", 2),
        ("CUC", "", "2021-06", 2), ("LTL", "", "2014-12", 2), ("LVL", "", "2014-01", 2),
        ("EEK", "", "2011-01", 2), ("DEM", "", "2002-03", 2), ("FRF", "", "2002-03", 2),
        ("ITL", "", "2002-03", 0), ("BYR", "2000-01", "2017-01", 0), ("EUR", "1999-01", "", 2),
        ("XCG", "2025-03", "", 2),
    ])
    func `dated codes`(code: String, from: String, to: String, exponent: Int) throws {
        let currency = try #require(Currency(code: code))
        #expect(currency.validFrom == YearMonth(from))
        #expect(currency.validTo == YearMonth(to))
        #expect(currency.exponent == exponent)
        #expect(currency.isCurrent == to.isEmpty)
    }

    @Test func `no code is withdrawn before it came into use`() {
        for currency in Currency.all {
            if let from = currency.validFrom, let to = currency.validTo { #expect(from < to) }
        }
    }

    @Test func `in the month of a changeover both codes are valid`() throws {
        let guilder = try #require(Currency(code: "ANG"))
        let successor = try #require(Currency(code: "XCG"))
        let months = try ["2025-02", "2025-03", "2025-04"].map { try #require(YearMonth($0)) }
        #expect(months.map(guilder.isValid) == [true, true, false])
        #expect(months.map(successor.isValid) == [false, true, true])
    }

    @Test(arguments: ["2025-13", "2025-00", "2025-1", "25-01", "2025/01", "2025-01 ", "-025-01"])
    func `months are parsed strictly`(text: String) {
        #expect(YearMonth(text) == nil)
    }

    @Test func `months print as they were written`() {
        #expect(YearMonth("0987-06")?.description == "0987-06")
        #expect(YearMonth(year: 2025, month: 11).description == "2025-11")
    }
}
