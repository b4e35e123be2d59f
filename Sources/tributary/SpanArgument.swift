import ArgumentParser

/// A length of time in whole seconds or longer units: `90s`, `15m`, `24h`, `2d`, `1h30m`, `0s`.
struct SpanArgument: ExpressibleByArgument, Equatable {
    var milliseconds: Int64

    init(milliseconds: Int64) { self.milliseconds = milliseconds }

    init?(argument: String) {
        var total: Int64?
        var number: Int64?
        for character in argument.utf8 {
            if (0x30...0x39).contains(character) {
                let (scaled, overflow) = (number ?? 0).multipliedReportingOverflow(by: 10)
                number = scaled + Int64(character - 0x30)
                // Also bounds the later product with a day.
                guard !overflow, scaled <= Self.numberMax else { return nil }
                continue
            }
            let unit: Int64? =
                switch character {
                case UInt8(ascii: "s"): 1_000
                case UInt8(ascii: "m"): 60_000
                case UInt8(ascii: "h"): 3_600_000
                case UInt8(ascii: "d"): 86_400_000
                default: nil
                }
            guard let unit, let count = number else { return nil }
            let sum = (total ?? 0) + count * unit
            guard sum <= Self.numberMax * 86_400_000 else { return nil }
            total = sum
            number = nil
        }
        guard number == nil, let total else { return nil }
        milliseconds = total
    }

    private static let numberMax: Int64 = 1_000_000_000

    var defaultValueDescription: String {
        for (unit, name) in [(3_600_000, "h"), (60_000, "m"), (1_000, "s")] as [(Int64, String)]
        where milliseconds % unit == 0 {
            return "\(milliseconds / unit)\(name)"
        }
        return "\(milliseconds)ms"
    }
}
