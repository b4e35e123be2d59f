/// The built-in table of ISO 4217.
enum ISO4217 {
    struct Entry {
        var packedCode: UInt32
        var exponent: UInt8
    }

    static let table: [Entry] = {
        let codes =
            "USD EUR GBP JPY:0 CHF CAD AUD CNY HKD SGD SEK NOK DKK PLN CZK HUF RON BGN TRY ILS AED SAR QAR KWD:3 BHD:3 INR IDR MYR THB PHP VND:0 KRW:0 TWD NZD ZAR NGN KES EGP MAD GHS BRL MXN ARS CLP:0 COP PEN UYU DOP CRC ISK:0 CLF:4"
        return codes.split(separator: " ").map { text in
            let bytes = Array(text.utf8)
            let packed = UInt32(bytes[0]) << 16 | UInt32(bytes[1]) << 8 | UInt32(bytes[2])
            return Entry(packedCode: packed, exponent: bytes.count > 3 ? bytes[4] - 0x30 : 2)
        }.sorted { $0.packedCode < $1.packedCode }
    }()
}
