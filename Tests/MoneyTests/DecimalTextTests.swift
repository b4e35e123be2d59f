import Money
import Testing

@Suite struct DecimalTextTests {
    @Test(arguments: [
        (0, 0, "0"), (0, 2, "0.00"), (0, 4, "0.0000"), (123, 0, "123"), (-123, 0, "-123"),
        (5, 2, "0.05"), (-5, 2, "-0.05"), (99, 2, "0.99"), (100, 2, "1.00"),
        (1_234, 3, "1.234"), (-1_234, 3, "-1.234"), (1, 3, "0.001"), (12_345, 4, "1.2345"),
        (1_250_450_050, 2, "12504500.50"),
    ])
    func `amounts have exactly the currency's digits`(
        minorUnits: Int, exponent: Int, text: String
    ) {
        #expect(DecimalText.format(minorUnits: Int128(minorUnits), exponent: exponent) == text)
    }

    @Test(arguments: [("JPY", "1234"), ("USD", "12.34"), ("KWD", "1.234"), ("CLF", "0.1234")])
    func `the currency decides the number of digits`(code: String, text: String) throws {
        let currency = try #require(Currency(code: code))
        #expect(DecimalText.format(minorUnits: 1_234, of: currency) == text)
    }

    @Test func `the ends of 128 bits are printed`() {
        #expect(
            DecimalText.format(minorUnits: .min, exponent: 2)
                == "-1701411834604692317316873037158841057.28")
        #expect(
            DecimalText.format(minorUnits: .max, exponent: 0)
                == "170141183460469231731687303715884105727")
    }
}
