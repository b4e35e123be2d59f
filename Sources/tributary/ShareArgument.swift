import ArgumentParser

/// A fraction, exact to a millionth: `0.01`, `1%`, `1`.
struct ShareArgument: ExpressibleByArgument, Equatable {
    static let whole = 1_000_000

    var partsPerMillion: Int

    init(partsPerMillion: Int) { self.partsPerMillion = partsPerMillion }

    init?(argument: String) {
        let isPercent = argument.hasSuffix("%")
        let digits = isPercent ? argument.dropLast() : argument[...]
        let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let places = isPercent ? 4 : 6
        let fraction = parts.count == 2 ? parts[1] : ""
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }),
            let units = Int(parts[0]), units <= (isPercent ? 100 : 1),
            parts.count == 1 || !fraction.isEmpty, fraction.count <= places,
            let rest = Int(fraction + String(repeating: "0", count: places - fraction.count))
        else { return nil }
        let parts1e6 = units * (isPercent ? 10_000 : 1_000_000) + rest
        guard parts1e6 <= Self.whole else { return nil }
        partsPerMillion = parts1e6
    }

    var defaultValueDescription: String {
        let digits = String(Self.whole + partsPerMillion).dropFirst()
        return partsPerMillion == Self.whole
            ? "1"
            : partsPerMillion == 0 ? "0" : "0." + digits.reversed().drop { $0 == "0" }.reversed()
    }
}
