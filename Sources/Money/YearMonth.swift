/// A calendar month, the precision with which ISO 4217 dates its codes.
package struct YearMonth: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// 0 to 9999.
    package var year: Int
    /// 1 to 12.
    package var month: Int

    package init(year: Int, month: Int) {
        self.year = year
        self.month = month
    }

    /// Parses `YYYY-MM`; nil for anything else.
    package init?(_ text: String) {
        self.init(ascii: Array(text.utf8)[...])
    }

    init?(ascii: ArraySlice<UInt8>) {
        let bytes = Array(ascii)
        guard bytes.count == 7, bytes[4] == UInt8(ascii: "-") else { return nil }
        var digits: [Int] = []
        for (place, byte) in bytes.enumerated() where place != 4 {
            guard (0x30...0x39).contains(byte) else { return nil }
            digits.append(Int(byte) - 0x30)
        }
        year = digits[..<4].reduce(0) { $0 * 10 + $1 }
        month = digits[4] * 10 + digits[5]
        guard (1...12).contains(month) else { return nil }
    }

    package static func < (a: YearMonth, b: YearMonth) -> Bool {
        (a.year, a.month) < (b.year, b.month)
    }

    /// `YYYY-MM`.
    package var description: String {
        let yearText = String(year)
        let zeros = String(repeating: "0", count: max(0, 4 - yearText.count))
        return "\(zeros)\(yearText)-\(month < 10 ? "0" : "")\(month)"
    }
}
