/// The built-in table of ISO 4217: every current code that has a minor unit, the test code `XTS`,
/// and the national codes withdrawn since 2000.
///
/// Current codes and their minor units come from the maintenance agency's list one (SIX, published
/// 2026-01-01). Withdrawal months come from its list three, which has no minor units: a withdrawn
/// code keeps the last one that list one gave it. Start months are given for codes that replaced
/// another one. Codes without a minor unit (metals, bond units, `XDR`, `XXX`) are not money that
/// could settle here.
enum ISO4217 {
    struct Entry {
        var packedCode: UInt32
        var exponent: UInt8
        var validFrom: YearMonth?
        var validTo: YearMonth?
    }

    /// One word per code: the code, `:` and the exponent if it is not 2, `@` and the first month if
    /// known, `>` and the month of withdrawal if there is one.
    private static let text = """
        ADP:0>2003-07 AED AFA>2003-01 AFN@2002-10 ALL AMD ANG>2025-03 AOA@1999-12 AOR>2000-02 ARS
        ATS>2002-03 AUD AWG AZM>2005-12 AZN@2006-01
        BAM@1998-06 BBD BDT BEF:0>2002-03 BGL>2003-11 BGN@1999-07>2026-01 BHD:3 BIF:0 BMD BND BOB
        BOV BRL BSD BTN BWP BYB:0>2001-01 BYN@2016-07 BYR:0@2000-01>2017-01 BZD
        CAD CDF CHC>2004-11 CHE CHF CHW CLF:4 CLP:0 CNY COP COU CRC CSD@2003-07>2006-10
        CUC>2021-06 CUP CVE CYP>2008-01 CZK
        DEM>2002-03 DJF:0 DKK DOP DZD
        ECS>2000-09 EEK>2011-01 EGP ERN ESP:0>2002-03 ETB EUR@1999-01
        FIM>2002-03 FJD FKP FRF>2002-03
        GBP GEL GHC>2008-01 GHS@2007-07 GIP GMD GNF:0 GRD:0>2002-03 GTQ GYD
        HKD HNL HRK>2023-01 HTG HUF
        IDR IEP>2002-03 ILS INR IQD:3 IRR ISK:0 ITL:0>2002-03
        JMD JOD:3 JPY:0
        KES KGS KHR KMF:0 KPW KRW:0 KWD:3 KYD KZT
        LAK LBP LKR LRD LSL LTL>2014-12 LUF:0>2002-03 LVL>2014-01 LYD:3
        MAD MDL MGA MGF:0>2004-12 MKD MMK MNT MOP MRO>2017-12 MRU@2018-01 MTL>2008-01 MUR MVR MWK
        MXN MXV MYR MZM>2006-06 MZN@2006-07
        NAD NGN NIO NLG>2002-03 NOK NPR NZD
        OMR:3
        PAB PEN PGK PHP PKR PLN PTE:0>2002-03 PYG:0
        QAR
        ROL>2005-06 RON@2005-07 RSD@2006-10 RUB@1998-01 RUR>2004-01 RWF:0
        SAR SBD SCR SDD>2007-07 SDG@2007-01 SEK SGD SHP SIT>2007-01 SKK>2009-01 SLE@2022-07
        SLL>2023-12 SOS SRD@2004-01 SRG>2003-12 SSP@2011-07 STD>2017-12 STN@2018-01 SVC SYP SZL
        THB TJS@2000-10 TMM>2009-01 TMT@2009-01 TND:3 TOP TPE:0>2002-11 TRL:0>2005-12 TRY@2005-01
        TTD TWD TZS
        UAH UGX:0 USD USN USS>2014-03 UYI:0 UYU UYW:4 UZS
        VEB>2008-01 VED@2021-10 VEF@2008-01>2018-08 VES@2018-08 VND:0 VUV:0
        WST
        XAD XAF:0 XCD XCG@2025-03 XOF:0 XPF:0 XTS
        YER YUM>2003-07
        ZAR ZMK>2012-12 ZMW@2013-01 ZWD>2008-08 ZWG@2024-04 ZWL@2009-02>2024-09
        ZWN@2006-08>2006-09 ZWR@2008-08>2009-06
        """

    /// Sorted by code.
    static let table: [Entry] = text.split { $0 == " " || $0 == "\n" }.map { word in
        guard let entry = Entry(word: Array(word.utf8)) else {
            preconditionFailure("the built-in currency table holds a malformed word: \(word)")
        }
        return entry
    }
}

extension ISO4217.Entry {
    /// Parses a word of the table's text; nil if it is malformed.
    init?(word: [UInt8]) {
        guard word.count >= 3, word[..<3].allSatisfy({ (0x41...0x5A).contains($0) }) else {
            return nil
        }
        packedCode = UInt32(word[0]) << 16 | UInt32(word[1]) << 8 | UInt32(word[2])
        exponent = 2
        var at = 3
        while at < word.count {
            let sign = word[at]
            let length = sign == UInt8(ascii: ":") ? 1 : 7
            guard at + 1 + length <= word.count else { return nil }
            let value = word[(at + 1)..<(at + 1 + length)]
            switch sign {
            case UInt8(ascii: ":"):
                guard let digit = value.first, (0x30...0x34).contains(digit) else { return nil }
                exponent = digit - 0x30
            case UInt8(ascii: "@"):
                guard let month = YearMonth(ascii: value) else { return nil }
                validFrom = month
            case UInt8(ascii: ">"):
                guard let month = YearMonth(ascii: value) else { return nil }
                validTo = month
            default:
                return nil
            }
            at += 1 + length
        }
    }
}
