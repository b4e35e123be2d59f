internal import Money

/// Formats numbers for people, from integers only.
enum Figures {
    /// Shown instead of a missing figure.
    static let none = "–"

    /// The amount with exactly the currency's decimals and commas between thousands.
    static func amount(_ minorUnits: Int128, of currency: Currency) -> String {
        let text = DecimalText.format(minorUnits: minorUnits, of: currency)
        let isNegative = text.hasPrefix("-")
        let parts = text.drop { $0 == "-" }.split(separator: ".")
        let fraction = parts.count == 2 ? ".\(parts[1])" : ""
        return (isNegative ? minus : "") + grouped(parts.first ?? "0") + fraction
    }

    /// The formatted amount; a dash for nil.
    static func amount(_ minorUnits: Int128?, of currency: Currency) -> String {
        guard let minorUnits else { return none }
        return amount(minorUnits, of: currency)
    }

    static func count(_ count: Int128) -> String {
        (count < 0 ? minus : "") + grouped(Substring(String(count.magnitude)))
    }

    /// The part in percent with one decimal, rounded half to even; nil if the whole is zero.
    static func percent(_ part: Int128, of whole: Int128) -> String? {
        guard whole > 0 else { return nil }
        let tenths = rounded(part, times: 1_000, over: whole)
        if tenths == 0, part != 0 { return part > 0 ? "<0.1%" : "\(minus)<0.1%" }
        let magnitude = tenths.magnitude
        return "\(tenths < 0 ? minus : "")\(magnitude / 10).\(magnitude % 10)%"
    }

    /// The part in whole percent, worded for a sentence; nil if the whole is zero.
    static func roughPercent(_ part: Int128, of whole: Int128) -> String? {
        guard whole > 0 else { return nil }
        let percent = rounded(part, times: 100, over: whole)
        if percent <= 0 { return "less than 1%" }
        return percent >= 100 && part == whole ? "all" : "about \(percent)%"
    }

    /// Three significant digits and a word, such as `4.21 billion`; nil below a million. Always
    /// shown together with the exact figure.
    static func compact(_ minorUnits: Int128, of currency: Currency) -> String? {
        var unit: Int128 = 1
        for _ in 0..<currency.exponent { unit *= 10 }
        let magnitude = minorUnits.magnitude < UInt128(Int128.max) ? abs(minorUnits) : .max
        var scale = unit * 1_000_000
        guard magnitude >= scale else { return nil }
        var name = 0
        while name + 1 < scaleNames.count, magnitude / 1_000 >= scale {
            scale *= 1_000
            name += 1
        }
        var hundredths = rounded(magnitude, times: 100, over: scale)
        if hundredths >= 99_950, name + 1 < scaleNames.count {
            hundredths = (hundredths + 500) / 1_000
            name += 1
        }
        let tenths = (hundredths + 5) / 10
        let digits =
            switch hundredths {
            case ..<1_000: "\(hundredths / 100).\(twoDigits(hundredths % 100))"
            case ..<9_995: "\(tenths / 10).\(tenths % 10)"
            default: grouped(Substring(String((hundredths + 50) / 100)))
            }
        return "\(minorUnits < 0 ? minus : "")\(digits) \(scaleNames[name])"
    }

    /// A duration or an age, in at most two units.
    static func span(milliseconds: Int64) -> String {
        let seconds = max(milliseconds, 0) / 1_000
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7_200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3_600) h \(seconds / 60 % 60) min"
        default: return "\(seconds / 86_400) days"
        }
    }

    /// `value` · `factor` ÷ `divisor`, rounded half to even; `divisor` must be positive. If the
    /// product would overflow, drops low digits, which do not affect a share.
    static func rounded(_ value: Int128, times factor: Int128, over divisor: Int128) -> Int128 {
        var (value, divisor) = (value, divisor)
        var product = value.multipliedReportingOverflow(by: factor)
        while product.overflow {
            value /= 1 << 16
            divisor = max(divisor / (1 << 16), 1)
            product = value.multipliedReportingOverflow(by: factor)
        }
        let result = product.partialValue.quotientAndRemainder(dividingBy: divisor)
        let twice = result.remainder.magnitude.multipliedReportingOverflow(by: 2)
        let isOver = twice.overflow || twice.partialValue > divisor.magnitude
        let isTie = !twice.overflow && twice.partialValue == divisor.magnitude
        guard isOver || (isTie && result.quotient % 2 != 0) else { return result.quotient }
        return result.quotient + (product.partialValue < 0 ? -1 : 1)
    }

    private static let minus = "\u{2212}"
    private static let scaleNames = ["million", "billion", "trillion", "quadrillion"]

    private static func twoDigits(_ value: Int128) -> String {
        value < 10 ? "0\(value)" : "\(value)"
    }

    private static func grouped(_ digits: Substring) -> String {
        var result = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { result += "," }
            result.append(digit)
        }
        return result
    }
}
