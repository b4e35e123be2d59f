import Money

/// Reads single values from their raw text.
enum ScalarText {
    /// Text that is not empty.
    static func nonEmpty(_ text: String) -> String? {
        text.isEmpty || text.utf8.contains(0) ? nil : text
    }

    /// Digits without sign, leading zero or separator: `010` and `1_000` are not integers.
    static func integer<Number: FixedWidthInteger>(_ text: String) -> Number? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            text == "0" || !text.hasPrefix("0")
        else { return nil }
        return Number(text)
    }

    static let durationRule = "a duration such as 500ms, 2s, 10m or 24h"

    /// An integer and one of the units `ms`, `s`, `m` and `h`.
    static func duration(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard digits.utf8.count <= 9, let count: Int64 = integer(String(digits)) else {
            return nil
        }
        switch text[digits.endIndex...] {
        case "ms": return .milliseconds(count)
        case "s": return .seconds(count)
        case "m": return .seconds(count * 60)
        case "h": return .seconds(count * 3_600)
        default: return nil
        }
    }

    static let flagRule = "true or false"

    static func flag(_ text: String) -> Bool? {
        switch text {
        case "true": true
        case "false": false
        default: nil
        }
    }

    static let currencyRule = "a currency code of ISO 4217 in upper case"

    static func currency(_ text: String) -> Currency? { Currency(code: text) }

    /// Lists the values of an enumeration.
    static func choices<Choice: RawRepresentable<String> & CaseIterable>(
        of type: Choice.Type
    ) -> String {
        "one of \(type.allCases.map(\.rawValue).joined(separator: ", "))"
    }

    static let nestedPathRule = "a path below the topology file's folder"

    /// A relative path that does not leave its folder.
    static func nestedPath(_ text: String) -> String? {
        guard nonEmpty(text) != nil, !text.hasPrefix("/"),
            !text.split(separator: "/", omittingEmptySubsequences: false).contains("..")
        else { return nil }
        return text
    }
}
